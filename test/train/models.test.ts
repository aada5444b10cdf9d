import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../events/digest';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { encodeCheckpoint, isCheckpointFile } from '../../src/train/checkpoint';
import { openFiles, type LoadedCheckpoint } from '../../src/train/checkpointStore';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { forward, parameterInput, parameterInputs } from '../../src/train/transformer';
import { must } from '../support/events';
import { decodeFloats } from '../support/goldenModel';
import { float, int64, numbersOf, runGraph } from '../support/running';

/** Folders that transformers saved, with its logits; fixtures/models/make.py makes them. */
const models = join(__dirname, '..', '..', 'fixtures', 'models');

const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });

const expectedShapes: Readonly<Record<string, Partial<ModelShape>>> = {
  llama: { tiedEmbeddings: false, headDim: 8, heads: 4, kvHeads: 2, ropeTheta: 10_000 },
  'llama-biases': { attentionBias: true, mlpBias: true, ropeScaling: { type: 'linear', factor: 2 } },
  'llama3-scaled': {
    tiedEmbeddings: true,
    headDim: 16,
    ropeTheta: 500,
    ropeScaling: {
      type: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 32,
    },
  },
  mistral: { family: 'mistral', slidingWindow: 5 },
  qwen2: { family: 'qwen2', ropeTheta: 1_000_000 },
  qwen3: { family: 'qwen3', headDim: 16 },
  smollm2: { tiedEmbeddings: true },
};
const optional = ['family', 'attentionBias', 'mlpBias', 'slidingWindow', 'ropeScaling'] as const;

const filesOf = (name: string): Map<string, Uint8Array> =>
  new Map(
    readdirSync(join(models, name))
      .filter(isCheckpointFile)
      .map((file) => [file, new Uint8Array(readFileSync(join(models, name, file)))]),
  );

const goldenOf = (name: string): { readonly ids: readonly number[]; readonly logits: string } =>
  JSON.parse(readFileSync(join(models, name, 'logits.json'), 'utf8'));

const open = (files: ReadonlyMap<string, Uint8Array>): LoadedCheckpoint => must(openFiles(sha256('?'), files));

const logitsOf = async (
  { shape, weights }: LoadedCheckpoint,
  ids: readonly number[],
): Promise<readonly (readonly number[])[]> => {
  const b = new GraphBuilder('logits');
  const fed = b.input('ids', 'int64', [1, ids.length]);
  const form = { batch: 1, length: ids.length, recompute: false, loraScale: 1 };
  b.output('logits', forward(b, parameterInputs(b, shape), shape, { ids: fed }, form));
  const parameters: Record<string, Tensor> = {};
  for (const { name, dims } of parametersOf(shape))
    parameters[parameterInput(name)] = float(dims, weights.get(name) ?? []);
  const got = await runGraph(runtime, b.build(), { ids: int64([1, ids.length], ids), ...parameters });
  const flat = numbersOf(got, 'logits');
  return ids.map((_, i) => flat.slice(i * shape.vocabSize, (i + 1) * shape.vocabSize));
};

const names = readdirSync(models, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? [each.name] : []));

it('has a folder for every family', () => expect(names.sort()).toEqual(Object.keys(expectedShapes).sort()));

describe.each(names)('a folder that transformers saved, %s', (name) => {
  const opened = open(filesOf(name));

  it('has the shape that its config says, and no field more', () => {
    const expected = expectedShapes[name] ?? {};
    expect(opened.shape).toMatchObject(expected);
    expect(optional.filter((field) => field in opened.shape)).toEqual(optional.filter((field) => field in expected));
  });

  it('gives the logits of transformers', async () => {
    const { ids, logits } = goldenOf(name);
    const expected = Array.from(decodeFloats(logits));
    const got = (await logitsOf(opened, ids)).flat();
    expect(got).toHaveLength(expected.length);
    expect(Math.max(...got.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))).toBeLessThan(1e-5);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(3);
  });

  it('is written as a folder that reads the same, and has the same bytes when it is written again', () => {
    const { shape, weights, tokenizerJson, endId, kept: beside } = opened;
    const checkpoint = { shape, weights, tokenizerJson, endId, kept: beside };
    const files = encodeCheckpoint(checkpoint);
    // SAVE_MODELS=<folder> keeps what is written, for fixtures/models/load.py.
    const kept = process.env['SAVE_MODELS'];
    if (kept !== undefined) {
      mkdirSync(join(kept, name), { recursive: true });
      for (const [file, bytes] of files) writeFileSync(join(kept, name, file), bytes);
    }
    const back = open(files);
    expect(back).toMatchObject(checkpoint);
    expect(encodeCheckpoint(back)).toEqual(files);
  });

  it('keeps every file but the config and the weights', () => {
    const [before, after] = [filesOf(name), encodeCheckpoint(opened)];
    const isRewritten = (file: string): boolean => file === 'config.json' || file.startsWith('model');
    const others = [...before.keys()].filter((file) => !isRewritten(file)).sort();
    expect([...after.keys()].filter((file) => !isRewritten(file))).toEqual(others);
    expect(others.map((file) => after.get(file))).toEqual(others.map((file) => before.get(file)));
  });
});

it('writes the very file of PyTorch where weights are BF16', () => {
  for (const name of ['qwen2', 'mistral']) {
    const before = filesOf(name);
    const after = encodeCheckpoint(open(before), 'BF16');
    const [expected, got] = [before, after].map((files) => Buffer.from(files.get('model.safetensors') ?? []));
    expect(got?.equals(expected ?? Buffer.alloc(0))).toBe(true);
    expect(JSON.parse(new TextDecoder().decode(after.get('config.json')))).toMatchObject({ torch_dtype: 'bfloat16' });
  }
});

it('stops at every end that config and generation config name', () => {
  const ends = (name: string) => open(filesOf(name)).kept?.stopIds;
  expect(ends('llama')).toEqual([256]);
  expect(ends('llama3-scaled')).toEqual([256, 257]);
  expect(ends('smollm2')).toEqual([256, 257]);
  expect(open(filesOf('llama3-scaled')).endId).toBe(256);
});

it('keeps a chat template', () => {
  const files = encodeCheckpoint(open(filesOf('smollm2')));
  expect(new TextDecoder().decode(files.get('chat_template.jinja'))).toContain('for message in messages');
});

/** A shape's sizes alone: plain Llama. */
const plain = (shape: ModelShape): ModelShape => {
  const { vocabSize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim } = shape;
  const { ropeTheta, rmsNormEps, tiedEmbeddings, maxPositions } = shape;
  const sizes = { vocabSize, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim };
  return { ...sizes, ropeTheta, rmsNormEps, tiedEmbeddings, maxPositions };
};

describe('what makes a family different is felt', () => {
  const linear = { ropeScaling: { type: 'linear', factor: 2 } } as const;
  const changes: readonly (readonly [string, Partial<ModelShape>])[] = [
    ['llama3-scaled', {}],
    ['llama-biases', { attentionBias: true, mlpBias: true }],
    ['llama-biases', { mlpBias: true, ...linear }],
    ['llama-biases', { attentionBias: true, ...linear }],
    ['mistral', {}],
    ['mistral', { slidingWindow: 6 }],
    ['qwen2', {}],
    ['qwen3', {}],
  ];

  it.each(changes)('%s, change %#', async (name, change) => {
    const opened = open(filesOf(name));
    const { ids } = goldenOf(name);
    const before = (await logitsOf(opened, ids)).flat();
    const after = (await logitsOf({ ...opened, shape: { ...plain(opened.shape), ...change } }, ids)).flat();
    const gaps = before.map((value, i) => Math.abs(value - (after[i] ?? Number.NaN)));
    expect(Math.max(...gaps)).toBeGreaterThan(0.01);
  });

  it('a window is one token shorter than the first row that it changes', async () => {
    const opened = open(filesOf('mistral'));
    const { slidingWindow: window = 0 } = opened.shape;
    const without = plain(opened.shape);
    const { ids } = goldenOf('mistral');
    const [windowed, full] = [await logitsOf(opened, ids), await logitsOf({ ...opened, shape: without }, ids)];
    expect(windowed.slice(0, window)).toEqual(full.slice(0, window));
    expect(windowed[window]).not.toEqual(full[window]);
  });
});
