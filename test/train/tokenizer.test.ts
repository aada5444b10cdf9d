import * as fc from 'fast-check';
import { isLeft } from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { encodeInOrder } from '../../src/train/encodeInOrder';
import { nfc } from '../../src/train/nfc';
import type { Tokenizer } from '../../src/train/tokenizer';
import { endToken, loadTokenizer } from '../../src/train/tokenizer';
import { byteLevelTokenizer } from '../../src/train/trainTokenizer';
import { arithmeticRow } from './taskRows';
import { golden, ours, texts } from './tokenizerFixtures';

const load = (json: string, end?: string | number): Tokenizer => {
  const loaded = loadTokenizer(json, end);
  if (isLeft(loaded)) throw new Error(JSON.stringify(loaded.left));
  return loaded.right;
};

/** Forms of published tokenizers, with the end token of each; fixtures/tokenizers/make.py makes them. */
const families: Readonly<Record<string, string>> = {
  smollm: endToken,
  llama3: endToken,
  llama31: endToken,
  qwen2: endToken,
  llama2: '</s>',
  mistral: '</s>',
  metaspace: '</s>',
};
const marks = ['llama2', 'mistral', 'metaspace'];
const names = [...Object.keys(ours), ...Object.keys(families)];
const tokenizers = new Map(names.map((name) => [name, load(golden(`${name}.tokenizer.json`), families[name])]));
const named = (name: string): Tokenizer => {
  const tokenizer = tokenizers.get(name);
  if (tokenizer === undefined) throw new Error(name);
  return tokenizer;
};
const ids: { readonly [name: string]: readonly (readonly number[])[] } = JSON.parse(golden('ids.json'));

/** What of a text comes back from its ids, by what the tokenizer's docstring says. */
const keptOf = (name: string, text: string, continued: boolean): string => {
  if (name === 'qwen2') return nfc(text);
  if (!marks.includes(name)) return text;
  const spaced = text.replaceAll('▁', ' ');
  return name === 'llama2' || continued ? spaced : spaced.replace(/^ /, '');
};

describe.each(names)('tokenizer %s', (name) => {
  const tokenizer = named(name);

  test("gives the ids of Hugging Face's tokenizers", () => {
    expect(ids[name]).toHaveLength(texts.length);
    for (const [i, text] of texts.entries()) {
      expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids: ids[name]?.[i] });
    }
  });

  test("continues a text as Hugging Face's tokenizers do behind a newline, which no token crosses", () => {
    const expected = marks.includes(name) ? ids[`${name} continued`] : ids[name];
    expect(expected).toHaveLength(texts.length);
    for (const [i, text] of texts.entries()) {
      expect({ text, ids: tokenizer.encode(text, { continued: true }) }).toEqual({ text, ids: expected?.[i] });
    }
  });

  test('begins a row with what its post-processor puts in front of a text', () => {
    expect([tokenizer.startIds]).toEqual(ids[`${name} start`]);
  });

  test('decodes what it encodes', () => {
    // The added tokens of `metaspace` have a space mark behind them, which comes back as a space.
    const isExact = (text: string): boolean => name !== 'metaspace' || !/step by step|<think>/.test(text);
    const check = (text: string): void => {
      for (const continued of [false, true]) {
        const encoded = tokenizer.encode(text, { continued });
        const kept = { text, continued, back: keptOf(name, text, continued) };
        expect({ text, continued, back: tokenizer.decode(encoded, { continued }) }).toEqual(kept);
        expect(encoded).not.toContain(tokenizer.endId);
      }
    };
    texts.filter(isExact).forEach(check);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc
        .array(
          fc.constantFrom(...Array.from('aZ 09-+*=<>?()[]".,:\n\'é漢▁\u0301'), endToken, '</s>', 'Answer: ', '\n(1) '),
          { maxLength: 40 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(fc.property(text, check), { numRuns: 300 });
  });
});

test('a text that spells the end token gets ordinary tokens, and the end token has no text', () => {
  for (const [name, tokenizer] of tokenizers) {
    const text = `a${families[name] ?? endToken}b`;
    const encoded = tokenizer.encode(text);
    expect(encoded).not.toContain(tokenizer.endId);
    expect(tokenizer.decode([...tokenizer.startIds, ...encoded, tokenizer.endId])).toBe(text);
  }
});

test('a text in front of which nothing stands begins with a space mark, a continued one with its own first word', () => {
  const tokensOf = (name: string, text: string, continued: boolean): readonly string[] =>
    named(name)
      .encode(text, { continued })
      .map((id) => named(name).decode([id], { continued: true }));
  for (const name of marks) {
    expect(tokensOf(name, 'Answer', false).join('|')).toMatch(/^ /);
    expect(tokensOf(name, 'Answer', true).join('|')).toMatch(/^A/);
    expect(named(name).encode(' Answer', { continued: true })).toEqual(named(name).encode('Answer'));
    // An empty text has nothing to put a mark in front of.
    expect(named(name).encode('')).toEqual([]);
  }
  expect(tokensOf('llama2', ' Answer', false).join('').startsWith('  A')).toBe(true);
  expect(named('mistral').encode(' Answer')).toEqual(named('mistral').encode('Answer'));
  // Behind an added token too, but for `first`.
  const behind = (name: string): string => tokensOf(name, 'x<think>y', true).join('');
  expect(behind('metaspace')).toBe('x<think> y');
});

test('added tokens: the longest, found before what is normalised, never where a special token hides them', () => {
  const json: { added_tokens: object[] } = JSON.parse(golden('llama2.tokenizer.json'));
  const added = (id: number, content: string, special: boolean, normalized: boolean) => ({
    id: 617 + id,
    content,
    special,
    normalized,
  });
  json.added_tokens.push(
    added(0, 'a b', false, true),
    added(1, 'b c', false, false),
    added(2, 'b c d', false, false),
    added(3, '<x>', true, false),
    added(4, '>y', false, false),
  );
  const tokenizer = load(JSON.stringify(json), '</s>');
  const foundIn = (text: string): readonly number[] => tokenizer.encode(text).filter((id) => id >= 617);
  expect(foundIn('a b')).toEqual([617]);
  expect(foundIn('a b c')).toEqual([618]);
  expect(foundIn('a b c d')).toEqual([619]);
  expect(foundIn('xa b')).toEqual([]);
  expect(foundIn('x a b')).toEqual([617]);
  expect(foundIn('<x>y >y')).toEqual([621]);
  // Looked for behind the normalizer, it takes its space mark along.
  expect(tokenizer.decode(tokenizer.encode('x a b'))).toBe('x a b');
});

test('long texts without a space, and lone surrogates, are encoded in full', () => {
  const long = 'ab'.repeat(20_000);
  for (const name of [...marks, 'qwen2']) expect(named(name).decode(named(name).encode(long))).toBe(long);
  for (const name of names) expect(named(name).decode(named(name).encode('a\ud800b'))).toBe('a\ufffdb');
});

test('task patterns and space marks: a row cut before a newline has the same tokens in parts', () => {
  for (const name of ['arithmetic', 'words', 'wholeWords', ...marks]) {
    const tokenizer = named(name);
    for (const text of texts.slice(4, 11)) {
      expect(encodeInOrder(tokenizer, text.split(/(?=\n)/)).flat()).toEqual(tokenizer.encode(text));
    }
  }
});

test('knows its digest, size and end', () => {
  const json = byteLevelTokenizer();
  expect(load(json)).toMatchObject({ json, digest: sha256(json), vocabSize: 257, endId: 256 });
  expect(load(json, 256).endId).toBe(256);
  expect(load(golden('smollm.tokenizer.json'), '<|im_start|>').endId).toBe(1);
  expect(named('llama2')).toMatchObject({ digest: sha256(golden('llama2.tokenizer.json')), vocabSize: 617, endId: 2 });
});

test('broken UTF-8 decodes to U+FFFD, an unknown id is an error', () => {
  expect(load(byteLevelTokenizer()).decode([0xe6, 0xbc])).toBe('\ufffd');
  // `<0xE6>`, `<0xBC>`, `A`: the vocabulary has the bytes behind three special tokens.
  expect(named('llama2').decode([3 + 0xe6, 3 + 0xbc, ...named('llama2').encode('A', { continued: true })])).toBe(
    '\ufffdA',
  );
  expect(() => load(byteLevelTokenizer()).decode([257])).toThrow('no token has id 257');
});

test('encodes fast enough for a data set', () => {
  const tokenizer = named('arithmetic');
  const rows = Array.from({ length: 500 }, (_, i) => arithmeticRow(i));
  const began = performance.now();
  const count = rows.reduce((sum, row) => sum + tokenizer.encode(row).length, 0);
  expect(count / (performance.now() - began)).toBeGreaterThan(100);
});

type Fields = Record<string, unknown>;
type Vocab = Record<string, number>;
const edited = (change: (json: Fields, model: Fields & { vocab: Vocab }) => void): string => {
  const json: Fields & { model: Fields & { vocab: Vocab } } = JSON.parse(golden('bytes.tokenizer.json'));
  change(json, json.model);
  return JSON.stringify(json);
};
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
const special = { id: 256, content: endToken, special: true };

test.each([
  ['[]', { tag: 'TokenizerNotJson', expected: 'a JSON object', got: '"[]"' }],
  ['{', { tag: 'TokenizerNotJson', expected: 'a JSON object', got: '"{"' }],
  [
    edited((_, model) => (model['type'] = 'Unigram')),
    { tag: 'TokenizerUnsupported', field: 'model.type', expected: 'BPE', got: '"Unigram"' },
  ],
  [
    edited((json) => (json['normalizer'] = { type: 'NFKC' })),
    { tag: 'TokenizerUnsupported', field: 'normalizer', expected: 'null or NFC', got: '{"type":"NFKC"}' },
  ],
  [
    edited((json) => (json['decoder'] = null)),
    { tag: 'TokenizerUnsupported', field: 'decoder', expected: 'ByteLevel', got: 'null' },
  ],
  [
    edited((json) => (json['pre_tokenizer'] = { ...byteLevel, add_prefix_space: true })),
    { tag: 'TokenizerUnsupported', field: 'pre_tokenizer[0].add_prefix_space', expected: 'false', got: 'true' },
  ],
  [
    edited((json) => (json['pre_tokenizer'] = { type: 'Whitespace' })),
    { tag: 'TokenizerUnsupported', field: 'pre_tokenizer[0]' },
  ],
  [
    edited(
      (json) =>
        (json['pre_tokenizer'] = {
          type: 'Sequence',
          pretokenizers: [{ type: 'Split', pattern: { String: ' ' }, behavior: 'Removed' }, byteLevel],
        }),
    ),
    { tag: 'TokenizerUnsupported', field: 'pre_tokenizer[0].behavior', expected: 'Isolated', got: '"Removed"' },
  ],
  [
    edited(
      (json) =>
        (json['pre_tokenizer'] = {
          type: 'Sequence',
          pretokenizers: [{ type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' }, byteLevel],
        }),
    ),
    { tag: 'TokenizerUnsupported', field: 'pre_tokenizer' },
  ],
  [
    edited((_, model) => (model['dropout'] = 0.1)),
    { tag: 'TokenizerUnsupported', field: 'model.dropout', expected: 'none', got: '0.1' },
  ],
  [
    edited((_, model) => (model['merges'] = [['a', 'b']])),
    { tag: 'TokenizerDamaged', field: 'model.merges[0]', expected: 'tokens of the vocabulary', got: '"ab"' },
  ],
  [
    edited((_, model) => (model['merges'] = ['a'])),
    { tag: 'TokenizerDamaged', field: 'model.merges[0]', expected: 'two tokens', got: '"a"' },
  ],
  [
    edited((_, model) => (model.vocab = { a: 0 })),
    { tag: 'TokenizerDamaged', field: 'model.vocab', expected: 'a token for byte 0, "Ā"', got: 'nothing' },
  ],
  [
    edited((_, model) => (model.vocab = { ...model.vocab, ab: 0 })),
    { tag: 'TokenizerDamaged', field: 'model.vocab', expected: 'one token with id 0', got: '["Ā","ab"]' },
  ],
  [
    edited((_, model) => (model.vocab = { ...model.vocab, ab: -1 })),
    { tag: 'TokenizerDamaged', field: 'model.vocab["ab"]', expected: 'an id', got: '-1' },
  ],
  [
    edited((json) => (json['added_tokens'] = [])),
    { tag: 'TokenizerDamaged', field: 'added_tokens', expected: 'a special token "<|endoftext|>"', got: 'nothing' },
  ],
  [
    edited((json) => (json['added_tokens'] = [special, { id: 257, content: 'x', lstrip: true }])),
    { tag: 'TokenizerUnsupported', field: 'added_tokens[1].lstrip', expected: 'false', got: 'true' },
  ],
  [
    edited((json) => (json['added_tokens'] = [special, { id: 97, content: 'a', special: true }])),
    { tag: 'TokenizerUnsupported', field: 'added_tokens', got: '"a"' },
  ],
])('refuses %.60s…', (json, error) => {
  expect(loadTokenizer(json)).toMatchObject({ _tag: 'Left', left: error });
});
