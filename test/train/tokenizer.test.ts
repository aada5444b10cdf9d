import * as fc from 'fast-check';
import { isLeft } from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
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

const names = [...Object.keys(ours), 'smollm', 'llama3'];
const tokenizers = new Map(names.map((name) => [name, load(golden(`${name}.tokenizer.json`))]));
const named = (name: string): Tokenizer => {
  const tokenizer = tokenizers.get(name);
  if (tokenizer === undefined) throw new Error(name);
  return tokenizer;
};

describe.each(names)('tokenizer %s', (name) => {
  const tokenizer = named(name);

  test("gives the ids of Hugging Face's tokenizers", () => {
    const ids: { readonly [name: string]: readonly (readonly number[])[] } = JSON.parse(golden('ids.json'));
    for (const [i, text] of texts.entries()) {
      expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids: ids[name]?.[i] });
    }
  });

  test('decodes what it encodes', () => {
    for (const text of texts) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc
        .array(fc.constantFrom(...Array.from('aZ 09-+*=<>?()[]".,:\n\'é漢'), endToken, 'Answer: ', '\n(1) '), {
          maxLength: 40,
        })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (each) => {
        const ids = tokenizer.encode(each);
        expect(tokenizer.decode(ids)).toBe(each);
        expect(ids).not.toContain(tokenizer.endId);
      }),
      { numRuns: 300 },
    );
  });
});

test('a text that spells the end token gets ordinary tokens, and the end token has no text', () => {
  for (const tokenizer of tokenizers.values()) {
    const ids = tokenizer.encode(`a${endToken}b`);
    expect(ids).not.toContain(tokenizer.endId);
    expect(tokenizer.decode([...ids, tokenizer.endId])).toBe(`a${endToken}b`);
  }
});

test('task patterns: a row cut before a newline has the same tokens in parts', () => {
  for (const name of ['arithmetic', 'words', 'wholeWords']) {
    const tokenizer = named(name);
    for (const text of texts.slice(4, 11)) {
      expect(text.split(/(?=\n)/).flatMap((part) => tokenizer.encode(part))).toEqual(tokenizer.encode(text));
    }
  }
});

test('knows its digest, size and end', () => {
  const json = byteLevelTokenizer();
  expect(load(json)).toMatchObject({ json, digest: sha256(json), vocabSize: 257, endId: 256 });
  expect(load(json, 256).endId).toBe(256);
  expect(load(golden('smollm.tokenizer.json'), '<|im_start|>').endId).toBe(1);
});

test('broken UTF-8 decodes to U+FFFD, an unknown id is an error', () => {
  expect(load(byteLevelTokenizer()).decode([0xe6, 0xbc])).toBe('\ufffd');
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
    edited((json) => (json['normalizer'] = { type: 'NFC' })),
    { tag: 'TokenizerUnsupported', field: 'normalizer', expected: 'null', got: '{"type":"NFC"}' },
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
