import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import { encodeModel } from '../../src/onnx/modelProto';
import { stepScalars } from '../../src/train/adamW';
import { momentInput, newState, varianceInput } from '../../src/train/loopGraph';
import { graphKey } from '../../src/train/microBatches';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { layoutOf } from '../../src/train/layout';
import { localEngine } from '../../src/train/localEngine';
import { gradientGraph, gradientOutput } from '../../src/train/trainGraph';
import { weightsOf, freshState } from '../../src/train/trainState';
import { forward, parameterInput, parameterInputs } from '../../src/train/transformer';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { checkDirections, randomTensor, relativeError, type Feeds } from '../support/directionalCheck';
import { must, the } from '../support/events';
import {
  batchFeeds,
  batchParts,
  decodeFloats,
  goldenNames,
  gradientErrors,
  parameterFeeds,
  plainForm,
  readGoldenModel,
  tensorError,
} from '../support/goldenModel';
import { optimizerGraph } from '../support/optimizerGraph';
import { fromTensor, plain } from '../support/plainTensor';
import { evaluate, referenceRuntime } from '../support/referenceRuntime';
import { float, int64, numbersOf, runGraph } from '../support/running';

jest.setTimeout(60_000);

const runtime = ortRuntime({ device: 'cpu', threads: 2, spin: false });
const plainFeeds = (feeds: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(feeds).map(([input, tensor]) => [input, fromTensor(tensor)]));

const gradientName = (input: string): string => gradientOutput(input.slice(parameterInput('').length));

describe.each(goldenNames)('the whole model, %s', (name) => {
  const golden = readGoldenModel(name);
  const { shape, batch, length } = golden;
  const names = parametersOf(shape).map((parameter) => parameter.name);
  const form = { ...plainForm, microBatch: batch };

  it('has the parameters that transformers has', () => {
    expect(Object.keys(golden.weights).sort()).toEqual([...names].sort());
  });

  it('gives the logits of transformers', async () => {
    const b = new GraphBuilder('logits');
    const ids = b.input('ids', 'int64', [batch, length]);
    const whole = { batch, length, recompute: false, loraScale: 0 };
    b.output('logits', forward(b, parameterInputs(b, shape), shape, { ids }, whole));
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
    const graph = gradientGraph(shape, form, length);
    const inputs = names.map(parameterInput);
    const feeds = plainFeeds({ ...batchFeeds(golden), ...parameterFeeds(shape, golden.weights) });
    const checked = checkDirections(graph, feeds, inputs, 5, 1e-4, gradientName);
    expect(checked).toHaveLength(names.length);
    expect(checked.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });

  const layout = layoutOf(parametersOf(shape));
  const weights = new Map(names.map((parameter) => [parameter, decodeFloats(golden.weights[parameter])]));

  /** Errors behind the golden steps: of losses and norms on the way, and of every parameter. */
  const errorsOf = (norms: readonly number[], trained: (parameter: string) => ArrayLike<number>) => {
    const wanted = golden.steps.flatMap(({ loss, gradNorm }) => [loss, gradNorm]);
    const parameters = names.map((parameter) => ({
      parameter,
      error: tensorError(trained(parameter), decodeFloats(golden.trained[parameter])),
    }));
    return { norms: Math.max(...norms.map((value, i) => relativeError(value, wanted[i] ?? Number.NaN))), parameters };
  };

  it('trains in double as torch.optim.AdamW with clip_grad_norm_ does', () => {
    const graphs = [gradientGraph(shape, form, length), optimizerGraph(golden.adamW, layout.slots)] as const;
    const zeros = (prefix: (name: string) => string) => plainFeeds(parameterFeeds(shape, undefined, prefix));
    let state: Feeds = {
      ...plainFeeds(parameterFeeds(shape, golden.weights)),
      ...zeros(momentInput),
      ...zeros(varianceInput),
    };
    const norms: number[] = [];
    for (const [i, { learningRate }] of golden.steps.entries()) {
      const gradients = evaluate(graphs[0], { ...state, ...plainFeeds(batchFeeds(golden, i)) });
      const scalars = Object.entries(stepScalars(golden.adamW, learningRate, i + 1));
      const fed = Object.fromEntries(scalars.map(([key, value]) => [key, plain('float32', [], [value])]));
      const got = evaluate(graphs[1], { ...state, ...gradients, ...fed });
      norms.push(...[gradients['loss'], got['gradNorm']].map((value) => value?.data[0] ?? Number.NaN));
      state = Object.fromEntries(Object.keys(state).map((key) => [key, the(got[newState(key)])]));
    }
    const errors = errorsOf(norms, (parameter) => the(state[parameterInput(parameter)]).data);
    expect(errors.norms).toBeLessThan(1e-6);
    expect(errors.parameters.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });

  /** Adam divides by the gradient's own size, so an element near 0 passes all of its rounding on to the weight. */
  it.each([1, 2])(
    'trains in float32 as torch.optim.AdamW with clip_grad_norm_ does, %i at once',
    async (microBatch) => {
      const cut = { ...form, microBatch };
      const key = graphKey(microBatch, length);
      const engine = must(
        await localEngine(runtime)({
          model: shape,
          config: { ...cut, ...golden.adamW },
          layout,
          frozen: new Map(),
          graphs: new Map([[key, encodeModel(gradientGraph(shape, cut, length))]]),
          microBatches: batch / microBatch,
          start: freshState(layout, weights),
        }),
      );
      const norms: number[] = [];
      for (const [i, { learningRate }] of golden.steps.entries()) {
        const microBatches = batchParts(golden, i, microBatch).map((feeds) => ({ key, feeds }));
        const scalars = stepScalars(golden.adamW, learningRate, i + 1);
        const { loss, gradNorm, updated } = the(must(await engine.run([{ microBatches, scalars }]))[0]);
        expect(updated).toBe(true);
        norms.push(loss, gradNorm);
      }
      const trained = weightsOf(must(await engine.state()).values, layout);
      await engine.release();
      const errors = errorsOf(norms, (parameter) => the(trained.get(parameter)));
      expect(errors.norms).toBeLessThan(5e-6);
      expect(errors.parameters.filter(({ error }) => !(error < 1e-4))).toEqual([]);
    },
  );
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
    const graph = gradientGraph(shape, { ...plainForm, microBatch: batch }, length);
    const checked = checkDirections(graph, feeds, inputs, 5, 1e-4, gradientName);
    expect(checked.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });
});

describe('the loss', () => {
  it('ignores tokens of weight 0: their targets change nothing', () => {
    const golden = readGoldenModel('untied');
    const graph = gradientGraph(golden.shape, { ...plainForm, microBatch: golden.batch }, golden.length);
    const feeds = plainFeeds({ ...batchFeeds(golden), ...parameterFeeds(golden.shape, golden.weights) });
    const targets = feeds['targets'];
    if (targets === undefined) throw new Error('no targets');
    const ignored = golden.batches[0]?.weights.map((weight) => weight === 0) ?? [];
    const others = { ...targets, data: targets.data.map((target, i) => (ignored[i] ? 0 : target)) };
    expect(others.data).not.toEqual(targets.data);
    // Of token losses, those of the targets that changed are others; they weigh nothing.
    const { nll: _, ...got } = evaluate(graph, { ...feeds, targets: others });
    const { nll: __, ...wanted } = evaluate(graph, feeds);
    expect(got).toEqual(wanted);
  });
});
