import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import { sha256 } from '../../events/digest';
import type { Completion, CompletionRequest } from '../../src/ports/languageModel';
import { initialWeights } from '../../src/train/initialWeights';
import type { Weights } from '../../src/train/modelShape';
import { DecodePrograms, studentModel } from '../../src/train/student';
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

  it('says the same in batches of one and of three', async () => {
    const texts = (completions: readonly Completion[]) => completions.map(({ text, tokenIds }) => ({ text, tokenIds }));
    expect(texts(await answersOf(1, requests))).toEqual(texts(await answersOf(3, requests)));
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
      expect(usage.completionTokens).toBe(tokenIds?.length);
      expect(logprobs?.every((logprob) => logprob <= 0 && Number.isFinite(logprob))).toBe(true);
      expect(tokenizer.decode((tokenIds ?? []).filter((id) => id !== trainedEndId))).toBe(text);
      expect(tokenIds?.length === 8 || finish === 'eos').toBe(true);
    }
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
