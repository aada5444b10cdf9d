import { isLeft } from 'fp-ts/Either';
import { loadTokenizer, type Tokenizer } from '../../src/train/tokenizer';
import { must } from '../support/events';
import { golden } from './tokenizerFixtures';

type Fields = Record<string, unknown>;
interface Json extends Fields {
  added_tokens: object[];
  decoder: { decoders: object[] };
  model: Fields & { vocab: Record<string, number>; merges: unknown[] };
}

const edited = (name: string, change: (json: Json) => void): string => {
  const json: Json = JSON.parse(golden(`${name}.tokenizer.json`));
  change(json);
  return JSON.stringify(json);
};
const opened = (name: string, change: (json: Json) => void): Tokenizer =>
  must(loadTokenizer(edited(name, change), '</s>'));

const metaspace = { type: 'Metaspace', replacement: '▁' };
const prepend = { type: 'Prepend', prepend: '▁' };
const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
const withoutStrip = (json: Json): void => {
  json.decoder.decoders = json.decoder.decoders.slice(0, 3);
};

describe('a tokenizer of space marks', () => {
  const text = ' two  spaces\n and é😀 more';
  const idsOf = (tokenizer: Tokenizer, continued = false): readonly (readonly number[])[] =>
    [text, text.trim()].map((each) => tokenizer.encode(each, { continued }));
  const llama2 = opened('llama2', () => undefined);
  const mistral = opened('mistral', () => undefined);

  it('has the keys that the library takes where a Metaspace has none', () => {
    const always = { ...metaspace, prepend_scheme: 'always', split: true };
    const given = (step: object): Tokenizer => opened('mistral', (json) => (json['pre_tokenizer'] = step));
    expect(idsOf(given(metaspace))).toEqual(idsOf(given(always)));
    expect(idsOf(given({ ...metaspace, add_prefix_space: true, str_rep: '▁' }))).toEqual(idsOf(given(always)));
    expect(idsOf(given({ type: 'Sequence', pretokenizers: [always] }))).toEqual(idsOf(given(always)));
  });

  it('puts a mark behind an added token, but for Metaspace that marks the first word alone', () => {
    const behind = (name: string, given: string): string => {
      const tokenizer = opened(name, ({ added_tokens }) =>
        added_tokens.push({ id: 900, content: '<think>', special: false, normalized: false }),
      );
      return tokenizer.decode(tokenizer.encode(given), { continued: true });
    };
    expect(['a<think>b', 'a<think> b', '<think>b'].map((given) => behind('llama2', given))).toEqual([
      ' a<think> b',
      ' a<think>  b',
      '<think> b',
    ]);
    expect(['a<think>b', 'a<think> b', '<think>b'].map((given) => behind('mistral', given))).toEqual([
      ' a<think>b',
      ' a<think> b',
      '<think>b',
    ]);
  });

  it('puts no mark in front where none is asked for, and decodes none away', () => {
    const without = [
      opened('llama2', (json) => {
        json['normalizer'] = replace;
        withoutStrip(json);
      }),
      ...[{ prepend_scheme: 'never' }, { add_prefix_space: false }].map((keys) =>
        opened('mistral', (json) => {
          json['pre_tokenizer'] = { ...metaspace, ...keys, split: false };
          withoutStrip(json);
        }),
      ),
    ];
    for (const tokenizer of without) {
      expect(idsOf(tokenizer, true)).toEqual(idsOf(llama2, true));
      expect(tokenizer.encode(text)).toEqual(tokenizer.encode(text, { continued: true }));
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
  });

  it('merges across words where a merge does, and takes whole texts where merges are ignored', () => {
    const merged = opened('llama2', ({ model }) => {
      model.vocab['e▁'] = 617;
      model.merges.unshift(['e', '▁']);
    });
    const parts = (tokenizer: Tokenizer, ...given: [string, boolean?]): readonly string[] =>
      tokenizer
        .encode(given[0], { continued: given[1] ?? false })
        .map((id) => tokenizer.decode([id], { continued: true }));
    expect(parts(merged, 'e e', true)).toEqual(['e ', 'e']);
    expect(parts(llama2, 'e e', true)).toEqual(['e', ' ', 'e']);

    const ignoring = opened('mistral', ({ model }) => {
      model['ignore_merges'] = true;
      model.vocab['▁zq▁zq'] = 619;
      model.vocab['▁zq'] = 620;
    });
    expect(parts(ignoring, 'zq zq')).toEqual([' zq zq']);
    expect(parts(ignoring, 'zq')).toEqual([' zq']);
    // Words are no pieces of their own: within a longer text, merges make them.
    expect(parts(ignoring, 'zq a')).not.toContain(' zq');
    expect(parts(mistral, 'zq')).toEqual(parts(ignoring, 'zq a').slice(0, -1));
  });

  it.each([
    ['a normalizer', (json) => (json['normalizer'] = { type: 'NFKC' }), 'normalizer'],
    ['Prepend alone', (json) => (json['normalizer'] = prepend), 'normalizer'],
    ['another mark', (json) => (json['normalizer'] = { ...replace, content: '_' }), 'normalizer'],
    [
      'two marks',
      (json) => (json['normalizer'] = { type: 'Sequence', normalizers: [prepend, prepend, replace] }),
      'normalizer',
    ],
    ['marks twice', (json) => (json['pre_tokenizer'] = metaspace), 'pre_tokenizer'],
    ['no marks', (json) => (json['normalizer'] = null), 'pre_tokenizer'],
    ['no Strip', withoutStrip, 'decoder'],
    [
      'another decoder',
      (json) => (json.decoder.decoders[3] = { type: 'Strip', content: ' ', start: 2, stop: 0 }),
      'decoder',
    ],
    ['ByteLevel', (json) => Object.assign(json, { decoder: { type: 'ByteLevel' } }), 'decoder'],
    ['no byte fallback', ({ model }) => (model['byte_fallback'] = false), 'normalizer'],
    [
      'merged bytes',
      ({ model }) => model.merges.push(['<0x41>', 'A']) && (model.vocab['<0x41>A'] = 617),
      'model.merges[272]',
    ],
    [
      'a byte made of text',
      ({ model }) => model.merges.push(['<0x4', '1>']) && Object.assign(model.vocab, { '<0x4': 617, '1>': 618 }),
      'model.merges[272]',
    ],
    [
      'a special character',
      (json) => json.added_tokens.push({ id: 9999, content: '漢', special: true }),
      'added_tokens[3].id',
    ],
    ['a special letter', (json) => json.added_tokens.push({ id: 617, content: '☃', special: true }), 'added_tokens'],
  ] satisfies readonly (readonly [string, (json: Json) => unknown, string])[])(
    'is refused with %s',
    (_, change, field) => {
      const loaded = loadTokenizer(edited('llama2', change), '</s>');
      expect(isLeft(loaded) && 'field' in loaded.left ? loaded.left.field : loaded).toBe(field);
    },
  );

  it('is refused with a Metaspace that marks otherwise', () => {
    for (const step of [
      { ...metaspace, replacement: '_' },
      { ...metaspace, prepend_scheme: 'last' },
      { ...metaspace, prepend_scheme: 'first', add_prefix_space: false },
      { ...metaspace, str_rep: '▁▁' },
      { type: 'Whitespace' },
      null,
    ]) {
      const loaded = loadTokenizer(
        edited('mistral', (json) => (json['pre_tokenizer'] = step)),
        '</s>',
      );
      expect(loaded).toMatchObject({ left: { tag: 'TokenizerUnsupported', field: 'pre_tokenizer' } });
    }
  });

  it('is refused without one of the 256 bytes', () => {
    const without = edited('llama2', ({ model }) => delete model.vocab['<0xFF>']);
    const expected = 'a token for byte 255, "<0xFF>"';
    expect(loadTokenizer(without, '</s>')).toMatchObject({
      left: { tag: 'TokenizerDamaged', field: 'model.vocab', expected },
    });
  });
});

describe('a byte-level tokenizer', () => {
  it('may have an empty Sequence for a normalizer, and NFC in one', () => {
    const given = (normalizers: readonly object[]): Tokenizer =>
      must(loadTokenizer(edited('qwen2', (json) => (json['normalizer'] = { type: 'Sequence', normalizers }))));
    const text = 'e\u0301';
    expect(given([]).decode(given([]).encode(text))).toBe(text);
    expect(given([{ type: 'NFC' }]).decode(given([{ type: 'NFC' }]).encode(text))).toBe('é');
  });

  it('is refused with an added token that has another id in the vocabulary', () => {
    const json = edited('qwen2', ({ added_tokens }) => added_tokens.push({ id: 511, content: 'a', special: false }));
    const error = {
      tag: 'TokenizerDamaged',
      field: 'added_tokens[11].id',
      expected: '64, as in model.vocab',
      got: '511',
    };
    expect(loadTokenizer(json)).toMatchObject({ left: error });
  });
});
