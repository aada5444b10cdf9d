import * as E from 'fp-ts/Either';
import type { Sampling } from '../events/generationProduced';
import { draws } from '../projections/random';
import type { Section } from '../projections/replayDataset';
import { ortRuntime } from '../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../src/onnx/graph';
import { encodeModel } from '../src/onnx/modelProto';
import { matMul } from '../src/onnx/ops';
import { planBatches } from '../src/train/batches';
import { initialWeights } from '../src/train/initialWeights';
import { parametersOf, type ModelShape } from '../src/train/modelShape';
import { StepRunner } from '../src/train/stepRunner';
import { DecodePrograms, studentModel } from '../src/train/student';
import { loadTokenizer } from '../src/train/tokenizer';
import { paperTrainConfig } from '../src/train/trainConfig';
import { byteLevelTokenizer } from '../src/train/trainTokenizer';
import { freshState } from '../src/train/trainState';
import { median, report, rounded, seconds } from './table';

type Sizes = Pick<ModelShape, 'hiddenSize' | 'intermediateSize' | 'layers' | 'heads' | 'kvHeads' | 'headDim'>;

const shapes: Readonly<Record<string, Sizes>> = {
  demo: { hiddenSize: 96, intermediateSize: 192, layers: 4, heads: 4, kvHeads: 2, headDim: 24 },
  s1: { hiddenSize: 128, intermediateSize: 384, layers: 4, heads: 4, kvHeads: 4, headDim: 32 },
  m10: { hiddenSize: 320, intermediateSize: 864, layers: 8, heads: 5, kvHeads: 5, headDim: 64 },
};

const orThrow = <L extends { readonly tag: string }, R>(either: E.Either<L, R>): R => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

/** The floor: one large matrix product through the same runtime, in floating-point operations per second. */
const gemmSpeed = async (threads: number): Promise<number> => {
  const n = 1024;
  const b = new GraphBuilder('floor');
  b.output('y', matMul(b, b.input('x', 'float32', [n, n]), b.input('w', 'float32', [n, n])));
  const program = orThrow(await ortRuntime({ device: 'cpu', threads, spin: true }).load(encodeModel(b.build()))());
  const tensor = { dtype: 'float32' as const, dims: [n, n], data: new Float32Array(n * n).fill(0.5) };
  const times: number[] = [];
  for (let i = 0; i < 12; i++)
    times.push(await seconds(async () => void orThrow(await program.run({ x: tensor, w: tensor })())));
  await program.release();
  return (2 * n ** 3) / median(times.slice(2));
};

const main = async (): Promise<void> => {
  const names = (process.argv[2] ?? 'demo,s1').split(',');
  const threads = Number(process.argv[3] ?? 2);
  const [batchSize, length] = [16, 128];
  const tokenizer = orThrow(loadTokenizer(byteLevelTokenizer()));
  const floor = await gemmSpeed(threads);
  const rows: Record<string, string | number>[] = [];
  for (const name of names) {
    const sizes = shapes[name];
    if (sizes === undefined) throw new Error(`no shape ${name}; there are ${Object.keys(shapes).join(', ')}`);
    const shape: ModelShape = {
      ropeTheta: 10000,
      rmsNormEps: 1e-5,
      tiedEmbeddings: true,
      maxPositions: 512,
      vocabSize: tokenizer.vocabSize,
      ...sizes,
    };
    const parameters = parametersOf(shape).reduce((sum, { dims }) => sum + dims.reduce((a, c) => a * c, 1), 0);
    const runtime = ortRuntime({ device: 'cpu', threads, spin: true });
    const weights = initialWeights(shape, 1);

    const text = Array.from({ length }, (_, i) => String.fromCharCode(97 + draws(['bench', i]).integer(0, 26))).join(
      '',
    );
    const section: Section = { kind: 'attempt', text, weight: 1, eventId: '', author: null };
    const tokens = {
      id: section.text,
      ids: tokenizer.encode(`${text}a`),
      weights: Array.from({ length: length + 1 }, () => 1),
    };
    const data = Array.from({ length: batchSize }, (_, i) => ({ ...tokens, id: String(i) }));
    const runner = new StepRunner(runtime, shape, { ...paperTrainConfig, batchSize, learningRate: 1e-4 });
    const [batch] = planBatches(data, { batchSize, steps: 1, seed: 1, lengthMultiple: 32 });
    if (batch === undefined) throw new Error('no batch');
    let state = freshState(shape, weights);
    const steps: number[] = [];
    for (let step = 1; step <= 15; step++)
      steps.push(
        await seconds(async () => {
          state = orThrow(await runner.step(state, data, batch, step, 100)).state;
        }),
      );
    await runner.release();
    const trainSpeed = (batchSize * length) / median(steps.slice(3));

    const programs = new DecodePrograms(runtime);
    const student = studentModel({ checkpoint: 'c'.repeat(64), shape, weights, tokenizer, batch: 64 }, programs);
    const sampling: Sampling = { temperature: 1, topK: null, topP: null, maxTokens: 128 };
    const requests = Array.from({ length: 64 }, (_, i) => ({ prompt: `Q: ${i}`, sampling, key: ['bench', i] }));
    const speeds: number[] = [];
    for (let round = 0; round < 4; round++) {
      let made = 0;
      const time = await seconds(async () => {
        const completions = orThrow(await student.complete(requests)());
        made = Math.max(...completions.map((completion) => completion.usage.completionTokens)) * 64;
      });
      speeds.push(made / time);
    }
    await programs.release();
    const generateSpeed = median(speeds.slice(1));
    rows.push({
      shape: name,
      parameters,
      'train tok/s': Math.round(trainSpeed),
      'of Gemm floor': rounded((6 * parameters * trainSpeed) / floor),
      'generate tok/s (batch 64)': Math.round(generateSpeed),
      'of Gemm floor ': rounded((2 * parameters * generateSpeed) / floor),
    });
  }
  report(
    `model: ${threads} threads, training ${batchSize}x${length}; floor: a 1024x1024 product at ${rounded(floor / 1e9)} GFLOP/s`,
    rows,
  );
};

void main();
