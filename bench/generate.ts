import { join } from 'node:path';
import { draws } from '../projections/random';
import { sha256 } from '../events/digest';
import { threadedStudents } from '../src/cli/threadedStudents';
import type { CompletionRequest, LanguageModel } from '../src/ports/languageModel';
import { initialWeights } from '../src/train/initialWeights';
import type { ModelShape, Weights } from '../src/train/modelShape';
import { loadTokenizer } from '../src/train/tokenizer';
import { byteLevelTokenizer } from '../src/train/trainTokenizer';
import { LinePeer } from './peers/linePeer';
import { findTorch } from './peers/torchPeer';
import { median, orThrow, report, rounded } from './table';
import { shapeNamed, sizeOfShape } from './trainWorkload';
import { openTransformers } from './transformersPeer';

// Generation against PyTorch with a key-value cache, in turns in one run:
// node dist/bench/generate.js [shape] [threads] [rounds]
//
// TRIPOST_PYTHON is a Python with PyTorch; TRIPOST_TRANSFORMERS_JS a folder whose node_modules hold
// @huggingface/transformers, which is then measured on the same weights.

const newTokens = 128;
/** Rows at once, and the ratio to PyTorch aimed at. */
const cases = [
  { batch: 1, goal: 2.3 },
  { batch: 16, goal: 1.9 },
  { batch: 64, goal: 1.3 },
] as const;

const tokenizer = orThrow(loadTokenizer(byteLevelTokenizer()));

/** Prompts of 16 to 64 random letters, each of which is a token. */
const promptsOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, row) => {
    const stream = draws(['bench', 'prompt', row]);
    const letters = Array.from({ length: 16 + stream.integer(0, 49) }, (__, i) => 97 + stream.integer(i + 1, 26));
    return String.fromCharCode(...letters);
  });

/** Random weights with logits spread as a trained model's are: out of the box every token is about as likely. */
const peaked = (weights: Weights): Weights =>
  new Map(
    [...weights].map(([name, values]) => [
      name,
      name === 'model.norm.weight' ? values.map((value) => 10 * value) : values,
    ]),
  );

const requestOf = (prompt: string, i: number, maxTokens: number): CompletionRequest => ({
  prompt,
  key: ['bench', 'row', i],
  sampling: { temperature: 1, topK: null, topP: null, maxTokens },
});

/** Tokens a second of a piece of work that says how many tokens it made. */
const speedOf = async (work: () => Promise<number>): Promise<number> => {
  const start = performance.now();
  const tokens = await work();
  return tokens / ((performance.now() - start) / 1000);
};

/** Somebody who generates: tokens a second for the first so many prompts, `newTokens` each. */
interface Contender {
  readonly name: string;
  readonly speed: (batch: number) => Promise<number>;
  readonly end: () => Promise<void>;
}

const speedIn = (answer: unknown): number => {
  if (typeof answer !== 'object' || answer === null || !('seconds' in answer) || !('tokens' in answer))
    return Number.NaN;
  return Number(answer.tokens) / Number(answer.seconds);
};

const contenderOf = (name: string, peer: LinePeer): Contender => ({
  name,
  speed: (batch) => peer.ask(String(batch), speedIn),
  end: () => peer.end(),
});

const torchContender = async (
  python: string,
  cache: 'static' | 'growing',
  request: Readonly<Record<string, unknown>>,
): Promise<Contender> => {
  const peer = new LinePeer(python, [join(__dirname, '..', '..', 'bench', 'peers', 'torchGenerate.py')]);
  await peer.ask(JSON.stringify({ ...request, cache }), () => undefined);
  return contenderOf(`PyTorch, ${cache} cache`, peer);
};

/** How many tokens a student makes for requests, from text to text. */
const generate = async (student: LanguageModel, requests: readonly CompletionRequest[]): Promise<number> =>
  orThrow(await student.complete(requests)()).reduce((sum, { usage }) => sum + (usage?.completionTokens ?? 0), 0);

/** Rows that end after 16 to 192 tokens: places filled again at once, against batches that wait for their longest row. */
const refill = async (student: LanguageModel, rounds: number): Promise<void> => {
  const [places, count] = [64, 256];
  const rows = promptsOf(count).map((prompt, i) =>
    requestOf(prompt, i, 16 + draws(['bench', 'length', i]).integer(0, 177)),
  );
  const batches = Array.from({ length: count / places }, (_, i) => rows.slice(i * places, (i + 1) * places));
  const filled = (): Promise<number> => speedOf(() => generate(student, rows));
  const waiting = (): Promise<number> =>
    speedOf(async () => {
      let made = 0;
      for (const batch of batches) made += await generate(student, batch);
      return made;
    });
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round++) pairs.push([await filled(), await waiting()]);
  report(`refill: ${count} rows of 16 to 192 new tokens, ${places} places`, [
    {
      'refilled tok/s': Math.round(median(pairs.map(([own]) => own))),
      'in batches tok/s': Math.round(median(pairs.map(([, other]) => other))),
      ratio: rounded(median(pairs.map(([own, other]) => own / other))),
    },
  ]);
};

const main = async (): Promise<void> => {
  const name = process.argv[2] ?? 'm10';
  const threads = Number(process.argv[3] ?? 2);
  const rounds = Number(process.argv[4] ?? 5);
  const shape: ModelShape = { ...shapeNamed(name), maxPositions: 512 };
  const weights = peaked(initialWeights(shape, 1));
  const prompts = promptsOf(64);
  const torch = findTorch();
  console.log(torch === undefined ? 'skipped: no PyTorch' : `PyTorch ${torch.version}`);
  const students = threadedStudents({ device: 'cpu', threads, spin: true }, threads)();
  const studentOf = (batch: number): LanguageModel =>
    students.open({ checkpoint: sha256(name), shape, weights, tokenizer, stopIds: [], batch });
  const ours: Contender = {
    name: 'tripost',
    speed: (batch) =>
      speedOf(() =>
        generate(
          studentOf(batch),
          prompts.slice(0, batch).map((prompt, i) => requestOf(prompt, i, newTokens)),
        ),
      ),
    end: () => Promise.resolve(),
  };
  const ids = prompts.map((prompt) => tokenizer.encode(prompt));
  const request = { threads, prompts: ids, newTokens };
  const transformers = await openTransformers(shape, weights, request);
  const peers = [
    ...(torch === undefined
      ? []
      : [
          await torchContender(torch.python, 'static', { ...request, shape }),
          await torchContender(torch.python, 'growing', { ...request, shape }),
        ]),
    ...(transformers === undefined ? [] : [contenderOf('transformers.js', transformers)]),
  ];
  const contenders = [ours, ...peers];
  const lines: Record<string, string | number>[] = [];
  for (const { batch, goal } of cases) {
    for (const { speed } of contenders) await speed(batch);
    const measured: number[][] = contenders.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < contenders.length; turn++) {
        const i = (turn + round) % contenders.length;
        measured[i]?.push((await contenders[i]?.speed(batch)) ?? Number.NaN);
      }
    const own = measured[0] ?? [];
    lines.push({ batch, who: 'tripost', 'tok/s': Math.round(median(own)), ratio: '', rounds: '', goal: '' });
    peers.forEach((peer, i) => {
      const other = measured[i + 1] ?? [];
      const ratios = own.map((value, round) => value / (other[round] ?? Number.NaN));
      lines.push({
        batch,
        who: peer.name,
        'tok/s': Math.round(median(other)),
        ratio: rounded(median(ratios)),
        rounds: ratios.map((ratio) => rounded(ratio)).join(' '),
        goal: peer.name.startsWith('PyTorch') ? goal : '',
      });
    });
  }
  for (const peer of peers) await peer.end();
  report(
    `generate: ${name}, ${sizeOfShape(shape)} parameters, ${threads} threads, ${newTokens} new tokens at temperature 1`,
    lines,
  );
  await refill(studentOf(64), Math.min(rounds, 3));
  await students.release();
};

void main();
