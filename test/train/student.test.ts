import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import type { Completion, CompletionRequest } from '../../src/ports/languageModel';
import { initialWeights } from '../../src/train/initialWeights';
import type { Weights } from '../../src/train/modelShape';
import { DecodePrograms } from '../../src/train/decode/decodePrograms';
import { studentModel } from '../../src/train/student';
import { train } from '../../src/train/trainer';
import { trainedEndId } from '../../src/train/trainTokenizer';
import { must } from '../support/events';
import { newPorts, request, rowOf, runtime, shape, tokenizer } from './tinyTraining';

const programs = new DecodePrograms(runtime);
afterAll(() => programs.release());

const untrained = initialWeights(shape, 1);
const modelOf = (weights: Weights, batch: number) =>
  studentModel({ checkpoint: sha256('tiny'), shape, weights, tokenizer, batch }, programs);

const ask = (prompt: string, key: number, changed: Partial<CompletionRequest['sampling']> = {}): CompletionRequest => ({
  prompt,
  key: ['student test', key],
  sampling: { temperature: 1, topK: null, topP: null, maxTokens: 8, ...changed },
});

const answersOf = async (batch: number, requests: readonly CompletionRequest[], weights = untrained) =>
  must(await modelOf(weights, batch).complete(requests)());

describe('a student', () => {
  const requests = [
    ask('Q: 1 + 1', 1),
    ask('Q: 12345 * 6789 - 1 is what, and why so', 2),
    ask('Q', 3, { topK: 5 }),
    ask('Q: 2', 4, { topP: 0.5, temperature: 0.7 }),
    ask('Q: 2', 5, { temperature: 0 }),
    ask('', 6),
  ];

  it('says the same whatever else is in the batch, and in which order', async () => {
    const alone: Completion[] = [];
    for (const one of requests) alone.push(...(await answersOf(3, [one])));
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(
          requests.map((_, i) => i),
          { minLength: 1 },
        ),
        async (chosen) => {
          const together = await answersOf(
            3,
            chosen.flatMap((i) => requests[i] ?? []),
          );
          expect(together).toEqual(chosen.map((i) => alone[i]));
        },
      ),
      { numRuns: 8 },
    );
  });

  it.each([1, 3, 16, 64])('says the same, to the last bit, in batches of %i', async (batch) => {
    expect(await answersOf(batch, requests)).toEqual(await answersOf(2, requests));
  });

  it('draws by the key of the request, and not at all when greedy', async () => {
    const [one, other, again] = await answersOf(3, [ask('Q: 1', 1), ask('Q: 1', 2), ask('Q: 1', 1)]);
    expect(again).toEqual(one);
    expect(other?.text).not.toBe(one?.text);
    const [greedy, greedyToo, topOne] = await answersOf(3, [
      ask('Q: 1', 1, { temperature: 0 }),
      ask('Q: 1', 2, { temperature: 0 }),
      ask('Q: 1', 3, { topK: 1 }),
    ]);
    expect(greedyToo).toEqual(greedy);
    expect(topOne?.tokenIds).toEqual(greedy?.tokenIds);
    expect(greedy?.text).not.toBe(one?.text);
  });

  it('gives a log-probability for every token it made, none above 0', async () => {
    for (const { tokenIds, logprobs, usage, text, finish } of await answersOf(3, requests)) {
      expect(logprobs).toHaveLength(tokenIds?.length ?? -1);
      expect(usage?.completionTokens).toBe(tokenIds?.length);
      expect(logprobs?.every((logprob) => logprob <= 0 && Number.isFinite(logprob))).toBe(true);
      expect(tokenizer.decode((tokenIds ?? []).filter((id) => id !== trainedEndId))).toBe(text);
      expect(tokenIds?.length === 8 || finish === 'eos').toBe(true);
    }
  });

  it('stops at every id that ends a text', async () => {
    const [free] = await answersOf(3, [ask('Q: 1', 1)]);
    const [, , third = -1] = free?.tokenIds ?? [];
    const stopping = studentModel(
      { checkpoint: sha256('tiny'), shape, weights: untrained, tokenizer, stopIds: [trainedEndId, third], batch: 3 },
      programs,
    );
    const [stopped] = must(await stopping.complete([ask('Q: 1', 1)])());
    const place = free?.tokenIds?.indexOf(third) ?? -1;
    expect(stopped?.tokenIds).toEqual(free?.tokenIds?.slice(0, place + 1));
    expect(stopped).toMatchObject({ finish: 'eos', text: tokenizer.decode(free?.tokenIds?.slice(0, place) ?? []) });
  });

  it('may draw an id that pads the embedding: it has no text', async () => {
    const padded = { ...shape, vocabSize: 4 * tokenizer.vocabSize };
    const settings = { checkpoint: sha256('tiny'), shape: padded, weights: initialWeights(padded, 1), tokenizer };
    const model = studentModel({ ...settings, batch: 3 }, programs);
    const [completion] = must(await model.complete([ask('Q: 1', 1)])());
    const ids = completion?.tokenIds ?? [];
    expect(ids.some((id) => id >= tokenizer.vocabSize)).toBe(true);
    expect(completion?.text).toBe(tokenizer.decode(ids.filter((id) => id < tokenizer.vocabSize)));
  });

  it('ends before the first stop text, and says so', async () => {
    const [free] = await answersOf(3, [ask('Q: 1', 1)]);
    const text = free?.text ?? '';
    expect(text.length).toBeGreaterThan(4);
    const stopping = (stop: readonly string[]) => answersOf(3, [{ ...ask('Q: 1', 1), stop }]);
    const [stopped] = await stopping([text.slice(3, 5), 'not there']);
    expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(text.slice(3, 5))), finish: 'stop' });
    const made = stopped?.tokenIds?.length ?? 0;
    expect(tokenizer.decode(stopped?.tokenIds ?? [])).toContain(text.slice(3, 5));
    expect(tokenizer.decode((stopped?.tokenIds ?? []).slice(0, -1))).not.toContain(text.slice(3, 5));
    expect(stopped).toMatchObject({
      tokenIds: free?.tokenIds?.slice(0, made),
      logprobs: free?.logprobs?.slice(0, made),
      usage: { completionTokens: made },
    });
    expect(await stopping(['not there'])).toEqual([free]);
    expect(await stopping([])).toEqual([free]);
  });

  it('reads an empty prompt as the end of another text', async () => {
    const [empty] = await answersOf(3, [ask('', 6)]);
    expect(empty?.usage?.promptTokens).toBe(0);
    expect(empty?.tokenIds?.length).toBeGreaterThan(0);
  });

  it('makes nothing where no token is asked for', async () => {
    const [none, some] = await answersOf(3, [ask('Q', 1, { maxTokens: 0 }), ask('Q', 1)]);
    expect(none).toEqual({
      text: '',
      finish: 'length',
      tokenIds: [],
      logprobs: [],
      usage: { promptTokens: 1, completionTokens: 0 },
    });
    expect(some?.tokenIds?.length).toBeGreaterThan(0);
  });

  it('gives up at once when the signal has aborted', async () => {
    const stop = new AbortController();
    stop.abort();
    const model = modelOf(untrained, 3);
    expect(await model.complete(requests, stop.signal)()).toEqual(E.left({ tag: 'Interrupted' }));
    const scored = model.score([{ prompt: 'Q', continuation: ' one', end: true }], stop.signal);
    expect(await scored()).toEqual(E.left({ tag: 'Interrupted' }));
  });

  it('refuses a prompt that leaves no room for its answer, by name', async () => {
    const model = modelOf(untrained, 3);
    const fits = 'x'.repeat(shape.maxPositions - 8);
    expect(E.isRight(await model.complete([ask(fits, 1)])())).toBe(true);
    const prompt = `${fits}x`;
    expect(await model.complete([ask('Q', 1), ask(prompt, 2)])()).toEqual(
      E.left({ tag: 'PromptTooLong', tokens: prompt.length, limit: shape.maxPositions - 8, prompt }),
    );
    expect(await model.complete([])()).toEqual(E.right([]));
  });
});

describe('a student as a scorer', () => {
  it('judges the end of a text where it is asked to', async () => {
    const asked = { prompt: 'Q', continuation: ' one' };
    const [without, withEnd] = must(
      await modelOf(untrained, 3).score([
        { ...asked, end: false },
        { ...asked, end: true },
      ])(),
    );
    expect(withEnd?.tokenIds).toEqual([...(without?.tokenIds ?? []), trainedEndId]);
    expect(withEnd?.logprobs.slice(0, -1)).toEqual(without?.logprobs);
  });

  it('refuses a text that is longer than its positions, by its prompt', async () => {
    const asked = (length: number) => ({ prompt: 'Q', continuation: 'x'.repeat(length - 2), end: true });
    const model = modelOf(untrained, 3);
    expect(E.isRight(await model.score([asked(shape.maxPositions)])())).toBe(true);
    expect(await model.score([asked(shape.maxPositions + 1)])()).toEqual(
      E.left({ tag: 'PromptTooLong', tokens: shape.maxPositions + 1, limit: shape.maxPositions, prompt: 'Q' }),
    );
    expect(await model.score([])()).toEqual(E.right([]));
  });
});

describe('a student that has learnt its rows by heart', () => {
  const lines = [
    ['Q: 1', ' one'],
    ['Q: 2', ' two'],
    ['Q: 3', ' six'],
  ] as const;
  const learnt = train(
    request({
      rows: lines.map(([prompt, attempt]) => rowOf(prompt, prompt, attempt)),
      config: { steps: 120, batchSize: 3, checkpointEvery: 200, learningRate: 1e-2 },
    }),
    newPorts(),
  );

  it('gives the answer, ends there and says so', async () => {
    const { weights } = must(await learnt);
    const completions = await answersOf(
      3,
      lines.map(([prompt], i) => ask(prompt, i, { temperature: 0 })),
      weights,
    );
    completions.forEach((completion, i) => {
      const text = lines[i]?.[1] ?? '';
      expect(completion).toMatchObject({
        text,
        finish: 'eos',
        tokenIds: [...Buffer.from(text), trainedEndId],
        usage: { promptTokens: 4, completionTokens: 5 },
      });
    });
  });

  it('scores its answer with the log-probabilities that it gave it with, and another one lower', async () => {
    const { weights } = must(await learnt);
    const [made] = await answersOf(3, [ask('Q: 2', 1, { temperature: 0 })], weights);
    const ask2 = (continuation: string) => ({ prompt: 'Q: 2', continuation, end: true });
    const [own, other] = must(await modelOf(weights, 3).score([ask2(' two'), ask2(' six')])());
    expect(own?.tokenIds).toEqual(made?.tokenIds);
    made?.logprobs?.forEach((value, i) => expect(own?.logprobs[i]).toBeCloseTo(value, 4));
    for (const score of [own, other])
      expect(score?.logprob).toBe(score?.logprobs.reduce((sum, value) => sum + value, 0));
    expect(own?.logprob).toBeGreaterThan((other?.logprob ?? 0) + 1);
  });

  it('is cut off at its maximum of tokens, one request unlike another', async () => {
    const { weights } = must(await learnt);
    const completions = await answersOf(
      3,
      [2, 8, 4].map((maxTokens, i) => ask('Q: 2', i, { temperature: 0, maxTokens })),
      weights,
    );
    expect(completions.map(({ text, finish }) => [text, finish])).toEqual([
      [' t', 'length'],
      [' two', 'eos'],
      [' two', 'length'],
    ]);
  });
});
