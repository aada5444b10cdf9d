import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import type { Row } from '../../projections/replayDataset';
import { tokenizeRow } from '../../src/train/batches';
import { DecodePrograms } from '../../src/train/decode/decodePrograms';
import { encodeInOrder, rowLength } from '../../src/train/encodeInOrder';
import { initialWeights } from '../../src/train/initialWeights';
import { studentModel } from '../../src/train/student';
import { loadTokenizer, type Tokenizer } from '../../src/train/tokenizer';
import { must } from '../support/events';
import { runtime, shape as tinyShape } from './tinyTraining';
import { golden } from './tokenizerFixtures';

const named = (name: string, end: string): Tokenizer => must(loadTokenizer(golden(`${name}.tokenizer.json`), end));
const llama2 = named('llama2', '</s>');
const mistral = named('mistral', '</s>');
const llama31 = named('llama31', '<|endoftext|>');
const qwen2 = named('qwen2', '<|endoftext|>');

const rowOf = (texts: readonly string[], end: boolean): Row => ({
  id: 'r',
  bucket: 'SI',
  problemId: 'p',
  trajectoryId: null,
  iteration: null,
  sections: texts.map((text, i) => ({
    kind: i === 0 ? 'prompt' : 'attempt',
    text,
    weight: i,
    eventId: 'e',
    author: null,
  })),
  end,
});

const words = fc
  .array(fc.constantFrom(' ', '  ', '\n', 'Answer:', 'step', 'é', '😀', '▁', '12', '.', ' the', 'e\u0301'), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));
const sections = fc.array(words, { minLength: 1, maxLength: 5 });

describe('texts in order', () => {
  it('have one space mark, in front of the first that is not empty', () => {
    const [empty, first, second] = encodeInOrder(llama2, ['', 'a', 'a']);
    expect(empty).toEqual([]);
    expect(first).toEqual(llama2.encode('a'));
    expect(second).toEqual(llama2.encode('a', { continued: true }));
    expect(first).not.toEqual(second);
  });

  it('come back as the one text that they are', () => {
    fc.assert(
      fc.property(sections, (texts) => {
        const whole = texts.join('').replaceAll('▁', ' ');
        expect(llama2.decode(encodeInOrder(llama2, texts).flat())).toBe(whole);
        expect(mistral.decode(encodeInOrder(mistral, texts).flat())).toBe(whole.replace(/^ /, ''));
        expect(llama31.decode(encodeInOrder(llama31, texts).flat())).toBe(texts.join(''));
      }),
    );
  });

  it('are a row, with the start in front, which is not trained on', () => {
    const { ids, weights, kinds } = tokenizeRow(rowOf(['Q: 1', ' 2'], true), llama2);
    const [prompt = [], answer = []] = encodeInOrder(llama2, ['Q: 1', ' 2']);
    expect(ids).toEqual([1, ...prompt, ...answer, 2]);
    expect(weights).toEqual([0, ...prompt.map(() => 0), ...answer.map(() => 1), 1]);
    expect(kinds).toEqual(['prompt', ...prompt.map(() => 'prompt'), ...answer.map(() => 'attempt'), 'attempt']);
    expect(tokenizeRow(rowOf(['Q'], false), qwen2).ids).toEqual(qwen2.encode('Q'));
    expect(tokenizeRow({ ...rowOf([], true), sections: [] }, llama2).ids).toEqual([]);
  });

  it('are counted as the row that they make', () => {
    fc.assert(
      fc.property(sections, fc.boolean(), (texts, end) => {
        for (const tokenizer of [llama2, llama31, qwen2])
          expect(rowLength(tokenizer, texts, end)).toBe(tokenizeRow(rowOf(texts, end), tokenizer).ids.length);
      }),
    );
  });
});

describe('a student whose tokenizer has a start and space marks', () => {
  const programs = new DecodePrograms(runtime);
  afterAll(() => programs.release());
  const shape = { ...tinyShape, vocabSize: llama2.vocabSize };
  const settings = { checkpoint: sha256('tiny'), shape, weights: initialWeights(shape, 1), batch: 2 };
  const modelOf = (tokenizer: Tokenizer) => studentModel({ ...settings, tokenizer }, programs);
  const sampling = { temperature: 1, topK: null, topP: null, maxTokens: 6 };
  const ask = (prompt: string) => ({ prompt, key: ['start', prompt], sampling });

  it('scores behind a prompt the tokens that a row has there', async () => {
    for (const [prompt, continuation] of [
      ['Q: 1', ' two'],
      ['Q: 1\nAnswer:', 'two\n'],
      ['', 'two'],
    ] as const) {
      const [score] = must(await modelOf(llama2).score([{ prompt, continuation, end: true }])());
      const row = tokenizeRow(rowOf([prompt, continuation], true), llama2).ids;
      const before = 1 + llama2.encode(prompt).length;
      expect(score?.tokenIds).toEqual(row.slice(before));
    }
  });

  it('reads the start: without it, it says something else', async () => {
    const without: Tokenizer = { ...llama2, startIds: [] };
    const [withStart] = must(await modelOf(llama2).complete([ask('Q: 1')])());
    const [bare] = must(await modelOf(without).complete([ask('Q: 1')])());
    expect(withStart?.tokenIds).not.toEqual(bare?.tokenIds);
    expect(withStart?.usage?.promptTokens).toBe((bare?.usage?.promptTokens ?? 0) + 1);
    // The same as with the BOS token written out in front of the prompt's ids.
    const spelled: Tokenizer = { ...without, encode: (text, place) => [1, ...llama2.encode(text, place)] };
    expect(must(await modelOf(spelled).complete([ask('Q: 1')])())[0]?.tokenIds).toEqual(withStart?.tokenIds);
  });

  it('keeps the space that its text begins with, behind a prompt', async () => {
    const [space = -1] = llama2.encode(' ', { continued: true });
    const spaces: Tokenizer = {
      ...llama2,
      decode: (ids, place) =>
        llama2.decode(
          ids.map(() => space),
          place,
        ),
    };
    const [behind, alone] = must(await modelOf(spaces).complete([ask('Q: 1'), ask('')])());
    expect(behind?.text).toBe(' '.repeat(behind?.tokenIds?.length ?? 0));
    expect(alone?.text).toBe(' '.repeat((alone?.tokenIds?.length ?? 0) - 1));
  });
});
