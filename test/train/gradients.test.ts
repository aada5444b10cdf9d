import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import { stepScalars } from '../../src/train/adamW';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { gradientGraph, momentInput, newState, trainStepGraph, varianceInput } from '../../src/train/trainGraph';
import { forward, parameterInput, parameterInputs } from '../../src/train/transformer';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { checkDirections, randomTensor, relativeError } from '../support/directionalCheck';
import {
  batchFeeds,
  decodeFloats,
  goldenNames,
  gradientErrors,
  parameterFeeds,
  readGoldenModel,
  tensorError,
} from '../support/goldenModel';
import { fromTensor, type PlainTensor } from '../support/plainTensor';
import { evaluate, referenceRuntime } from '../support/referenceRuntime';
import { float, int64, loadOrThrow, numbersOf, runGraph, runOrThrow } from '../support/running';

jest.setTimeout(60_000);

const runtime = ortRuntime({ device: 'cpu', threads: 2, spin: false });
const plainFeeds = (feeds: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(feeds).map(([input, tensor]) => [input, fromTensor(tensor)]));

const gradientName = (input: string): string => `grad:${input.slice(parameterInput('').length)}`;

describe.each(goldenNames)('the whole model, %s', (name) => {
  const golden = readGoldenModel(name);
  const { shape, batch, length } = golden;
  const names = parametersOf(shape).map((parameter) => parameter.name);

  it('has the parameters that LlamaForCausalLM has', () => {
    expect(Object.keys(golden.weights).sort()).toEqual([...names].sort());
  });

  it('gives the logits of LlamaForCausalLM', async () => {
    const b = new GraphBuilder('logits');
    const ids = b.input('ids', 'int64', [batch, length]);
    b.output('logits', forward(b, parameterInputs(b, shape), shape, ids, batch, length));
    const { ids: fed } = batchFeeds(golden);
    if (fed === undefined) throw new Error('no ids');
    const got = await runGraph(runtime, b.build(), { ids: fed, ...parameterFeeds(shape, golden.weights) });
    expect(tensorError(numbersOf(got, 'logits'), decodeFloats(golden.logits))).toBeLessThan(2e-6);
  });

  it('gives the loss and every gradient of PyTorch, in float32', async () => {
    const errors = await gradientErrors(runtime, golden);
    expect(errors.loss).toBeLessThan(1e-6);
    expect(errors.parameters.filter(({ error }) => !(error < 5e-6))).toEqual([]);
  });

  it('gives them in double, to the float32 in which the golden values are kept', async () => {
    const errors = await gradientErrors(referenceRuntime, golden);
    expect(errors.loss).toBeLessThan(1e-6);
    expect(errors.parameters.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });

  it('agrees with central differences in double, parameter by parameter', () => {
    const graph = gradientGraph(shape, batch, length);
    const inputs = names.map(parameterInput);
    const feeds = plainFeeds({ ...batchFeeds(golden), ...parameterFeeds(shape, golden.weights) });
    const checked = checkDirections(graph, feeds, inputs, 5, 1e-4, gradientName);
    expect(checked).toHaveLength(names.length);
    expect(checked.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });

  const start = {
    ...parameterFeeds(shape, golden.weights),
    ...parameterFeeds(shape, undefined, momentInput),
    ...parameterFeeds(shape, undefined, varianceInput),
  };

  /** Every parameter's error behind the golden steps, each step run by `run`. */
  const trainErrors = async (
    run: (feeds: Readonly<Record<string, Tensor>>) => Promise<Readonly<Record<string, Tensor>>>,
  ) => {
    let state: Readonly<Record<string, Tensor>> = start;
    const norms: number[] = [];
    for (const [i, { learningRate }] of golden.steps.entries()) {
      const scalars = Object.entries(stepScalars(golden.adamW, learningRate, i + 1));
      const fed = Object.fromEntries(scalars.map(([key, value]) => [key, float([], [value])]));
      const got = await run({ ...state, ...batchFeeds(golden, i), ...fed });
      norms.push(...numbersOf(got, 'loss'), ...numbersOf(got, 'gradNorm'));
      state = Object.fromEntries(Object.keys(state).map((key) => [key, got[newState(key)] ?? float([], [])]));
    }
    const wanted = golden.steps.flatMap(({ loss, gradNorm }) => [loss, gradNorm]);
    const parameters = names.map((parameter) => {
      const got = numbersOf(state, parameterInput(parameter));
      return { parameter, error: tensorError(got, decodeFloats(golden.trained[parameter])) };
    });
    return { norms: Math.max(...norms.map((value, i) => relativeError(value, wanted[i] ?? Number.NaN))), parameters };
  };

  it('trains in double as torch.optim.AdamW with clip_grad_norm_ does', async () => {
    const graph = trainStepGraph(shape, golden.adamW, batch, length);
    const asDouble = (tensors: Readonly<Record<string, PlainTensor>>): Record<string, Tensor> =>
      Object.fromEntries(
        Object.entries(tensors).map(([output, { dims, data }]) => [output, { dtype: 'float32', dims, data }]),
      );
    const errors = await trainErrors(async (feeds) => asDouble(evaluate(graph, plainFeeds(feeds))));
    expect(errors.norms).toBeLessThan(1e-6);
    expect(errors.parameters.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });

  /** Adam divides by the gradient's own size, so an element near 0 passes all of its rounding on to the weight. */
  it('trains in float32 as torch.optim.AdamW with clip_grad_norm_ does', async () => {
    const program = await loadOrThrow(runtime, trainStepGraph(shape, golden.adamW, batch, length));
    const errors = await trainErrors((feeds) => runOrThrow(program, feeds));
    await program.release();
    expect(errors.norms).toBeLessThan(5e-6);
    expect(errors.parameters.filter(({ error }) => !(error < 1e-4))).toEqual([]);
  });
});

/** Shapes that the golden files have not: one key head for three, heads wider and narrower than the hidden size. */
const otherShapes: readonly Partial<ModelShape>[] = [
  { heads: 3, kvHeads: 1, headDim: 2 },
  { heads: 1, kvHeads: 1, headDim: 14, layers: 1, tiedEmbeddings: true },
  { heads: 6, kvHeads: 3, headDim: 4, layers: 3 },
];

describe.each(otherShapes)('the whole model, shape %#', (changes) => {
  const shape = { ...readGoldenModel('untied').shape, ...changes };

  it('agrees with central differences in double', () => {
    const [batch, length] = [2, 3];
    const random = parametersOf(shape).map(({ name, dims, kind }) => {
      const range = kind === 'norm' ? ([0.5, 1.5] as const) : ([-0.6, 0.6] as const);
      return [parameterInput(name), randomTensor('float32', dims, [name], range)] as const;
    });
    const feeds = {
      ...plainFeeds({
        ids: int64([batch, length], [1, 5, 1, 9, 0, 3]),
        targets: int64([batch * length], [5, 1, 2, 0, 3, 3]),
        weights: float([batch * length], [0, 1.5, 1, 1, 0.5, 1]),
        scale: float([], [0.2]),
      }),
      ...Object.fromEntries(random),
    };
    const inputs = random.map(([name]) => name);
    const checked = checkDirections(gradientGraph(shape, batch, length), feeds, inputs, 5, 1e-4, gradientName);
    expect(checked.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });
});

describe('the loss', () => {
  it('ignores tokens of weight 0: their targets change nothing', () => {
    const golden = readGoldenModel('untied');
    const graph = gradientGraph(golden.shape, golden.batch, golden.length);
    const feeds = plainFeeds({ ...batchFeeds(golden), ...parameterFeeds(golden.shape, golden.weights) });
    const targets = feeds['targets'];
    if (targets === undefined) throw new Error('no targets');
    const ignored = golden.batches[0]?.weights.map((weight) => weight === 0) ?? [];
    const others = { ...targets, data: targets.data.map((target, i) => (ignored[i] ? 0 : target)) };
    expect(evaluate(graph, { ...feeds, targets: others })).toEqual(evaluate(graph, feeds));
  });
});
