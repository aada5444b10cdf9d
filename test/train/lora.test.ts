import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import type { Tensor } from '../../src/ports/tensorRuntime';
import {
  factorA,
  factorB,
  initialLora,
  loraParameters,
  loraScale,
  loraTargets,
  mergeLora,
  type Lora,
} from '../../src/train/lora';
import { localEngine } from '../../src/train/localEngine';
import { parametersOf, type ModelShape, type Weights } from '../../src/train/modelShape';
import { gradientGraph, gradientOutput, inputsOf } from '../../src/train/trainGraph';
import { weightsOf } from '../../src/train/trainState';
import { forward, parameterInput } from '../../src/train/transformer';
import { checkDirections } from '../support/directionalCheck';
import { must, the } from '../support/events';
import { plainForm, tensorError } from '../support/goldenModel';
import { fromTensor } from '../support/plainTensor';
import { float, int64, numbersOf, runGraph } from '../support/running';
import { engineFor, makeStep, randomWeights, smallShape, tokenRows, trainingOf } from '../support/training';

jest.setTimeout(30_000);

const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });

const lora: Lora = { rank: 3, alpha: 6, targets: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj'] };
const all: Lora = { ...lora, targets: [...loraTargets] };

const shapes: readonly (readonly [string, ModelShape])[] = [
  ['plain', smallShape],
  ['with biases', { ...smallShape, family: 'qwen2', tiedEmbeddings: false }],
  ['with norms of heads', { ...smallShape, family: 'qwen3' }],
];

/** Factors far from 0, both of them. */
const someFactors = (shape: ModelShape, adapted: Lora): Weights => {
  const initial = initialLora(shape, adapted, 5);
  const [as, other] = [initialLora(shape, adapted, 6), Array.from(initialLora(shape, adapted, 7).values())];
  const drawn = other.flatMap((values) => Array.from(values)).filter((value) => value !== 0);
  return new Map(
    [...initial].map(([name, values]) => [
      name,
      values.every((value) => value === 0)
        ? values.map((_, i) => the(drawn[(i * 7) % drawn.length]))
        : values.map((value, i) => value + the(as.get(name)?.[i])),
    ]),
  );
};

const feedsOf = (shape: ModelShape, weights: Weights, adapted?: Lora): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(
    [...parametersOf(shape), ...(adapted === undefined ? [] : loraParameters(shape, adapted))].map(({ name, dims }) => [
      parameterInput(name),
      float(dims, the(weights.get(name))),
    ]),
  );

const [batch, length] = [2, 6];
const ids = int64(
  [batch, length],
  Array.from({ length: batch * length }, (_, i) => (i * 13) % smallShape.vocabSize),
);

const logitsOf = async (shape: ModelShape, weights: Weights, adapted?: Lora): Promise<readonly number[]> => {
  const b = new GraphBuilder('logits');
  const tokens = { ids: b.input('ids', 'int64', [batch, length]) };
  const p = inputsOf(b, shape, {
    ...plainForm,
    lora: adapted === undefined ? null : { ...adapted, targets: [...adapted.targets] },
  });
  const form = { batch, length, recompute: false, loraScale: adapted === undefined ? 0 : loraScale(adapted) };
  b.output('logits', forward(b, p, shape, tokens, form));
  return numbersOf(await runGraph(runtime, b.build(), { ids, ...feedsOf(shape, weights, adapted) }), 'logits');
};

describe('low-rank factors', () => {
  it('are a pair for every linear that is meant, in the order of the linears', () => {
    const linears = parametersOf(smallShape).filter(({ name }) => /\.(q_proj|down_proj)\.weight$/.test(name));
    expect(linears).toHaveLength(2 * smallShape.layers);
    expect(loraParameters(smallShape, { ...lora, targets: ['down_proj', 'q_proj'] })).toEqual(
      linears.flatMap(({ name, dims }) => [
        { name: name.replace('.weight', '.lora_A.weight'), dims: [3, dims[1]], kind: 'linear' },
        { name: name.replace('.weight', '.lora_B.weight'), dims: [dims[0], 3], kind: 'linear' },
      ]),
    );
    // Embeddings, norms, biases and the head have none, whatever is meant.
    const most = loraParameters({ ...smallShape, family: 'qwen2', tiedEmbeddings: false }, all);
    expect(most).toHaveLength(2 * loraTargets.length * smallShape.layers);
  });

  it('begin as nothing: A is uniform up to 1/√in, B is 0', () => {
    const initial = initialLora(smallShape, all, 3);
    const of = (factor: string) => loraParameters(smallShape, all).filter(({ name }) => name.includes(factor));
    for (const { name } of of('lora_B')) expect(the(initial.get(name)).every((value) => value === 0)).toBe(true);
    for (const { name, dims } of of('lora_A')) {
      const values = the(initial.get(name));
      const bound = 1 / Math.sqrt(dims[1] ?? 1);
      expect(values.every((value) => Math.abs(value) <= bound)).toBe(true);
      expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.8 * bound);
      expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / values.length)).toBeLessThan(0.3 * bound);
    }
  });

  it('depend on seed and name alone', () => {
    const name = factorA('model.layers.1.self_attn.q_proj.weight');
    const of = (adapted: Lora, seed: number): Float32Array => the(initialLora(smallShape, adapted, seed).get(name));
    expect(of(all, 3)).toEqual(of(lora, 3));
    expect(of(all, 4)).not.toEqual(of(all, 3));
    expect(the(initialLora(smallShape, all, 3).get(name.replace('layers.1', 'layers.0')))).not.toEqual(of(all, 3));
  });
});

describe.each(shapes)('an adapted model, %s', (_, shape) => {
  const base = randomWeights(shape, 2);

  it('begins as its base', async () => {
    const start = new Map([...base, ...initialLora(shape, all, 3)]);
    expect(await logitsOf(shape, start, all)).toEqual(await logitsOf(shape, base));
  });

  it.each([
    ['some', lora],
    ['all', all],
  ])('has the logits of its merged weights, %s linears adapted', async (__, adapted) => {
    const factors = someFactors(shape, adapted);
    const merged = mergeLora(shape, adapted, base, factors);
    const wanted = await logitsOf(shape, new Map([...base, ...factors]), adapted);
    expect(tensorError(await logitsOf(shape, merged), wanted)).toBeLessThan(1e-5);
    expect(tensorError(await logitsOf(shape, base), wanted)).toBeGreaterThan(1e-2);
    const changed = [...merged].filter(([name, values]) => values !== base.get(name)).map(([name]) => name);
    expect(changed.every((name) => adapted.targets.some((target) => name.endsWith(`${target}.weight`)))).toBe(true);
    expect(changed).toHaveLength(adapted.targets.length * shape.layers);
  });

  it('has gradients of its factors alone, those that central differences have, in double', () => {
    const small = { ...shape, layers: 1 };
    const form = { ...plainForm, microBatch: batch, lora: { ...all, targets: [...all.targets] } };
    const graph = gradientGraph(small, form, length);
    const names = loraParameters(small, all).map(({ name }) => name);
    expect(graph.outputs.map(({ name }) => name).sort()).toEqual(['loss', 'nll', ...names.map(gradientOutput)].sort());
    const weights = new Map([...randomWeights(small, 2), ...someFactors(small, all)]);
    const size = batch * length;
    const feeds = {
      ids,
      targets: int64(
        [size],
        Array.from({ length: size }, (__, i) => (i * 5) % small.vocabSize),
      ),
      weights: float(
        [size],
        Array.from({ length: size }, (__, i) => (i % 3) / 2),
      ),
      scale: float([], [0.25]),
      ...feedsOf(small, weights, all),
    };
    const plain = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, fromTensor(tensor)]));
    const gradientOf = (input: string): string => gradientOutput(input.slice(parameterInput('').length));
    const checked = checkDirections(graph, plain, names.map(parameterInput), 5, 1e-4, gradientOf);
    expect(checked).toHaveLength(names.length);
    expect(checked.filter(({ error }) => !(error < 1e-6))).toEqual([]);
  });
});

describe('training low-rank factors', () => {
  it('changes them, and nothing of the base', async () => {
    const rows = tokenRows([14, 20, 9, 17, 23, 12]);
    const training = trainingOf(rows, { lora: { ...lora, targets: [...lora.targets] }, learningRate: 0.05, steps: 6 });
    const { model, shape } = training;
    const base = randomWeights(shape, 1);
    const engine = await engineFor(training, localEngine(runtime));
    const losses: number[] = [];
    for (let step = 1; step <= 6; step++) losses.push((await makeStep(training, engine, step)).loss);
    const trained = weightsOf(must(await engine.state()).values, model.layout);
    await engine.release();
    expect(the(losses[5])).toBeLessThan(0.9 * the(losses[0]));
    expect([...trained.keys()]).toEqual(loraParameters(shape, lora).map(({ name }) => name));
    for (const [name, values] of trained) expect(values).not.toEqual(model.start.get(name));
    for (const [name, { data }] of model.frozen) expect(data).toEqual(base.get(name));
    const merged = model.merged(trained);
    expect([...merged.keys()]).toEqual([...base.keys()]);
    const changed = [...merged].filter(([name, values]) => values.some((value, i) => value !== base.get(name)?.[i]));
    expect(changed.map(([name]) => name)).toEqual(
      [...base.keys()].filter((name) => lora.targets.some((target) => name.endsWith(`.${target}.weight`))),
    );
  });
});

describe('merging', () => {
  it('needs both factors of every linear', () => {
    const factors = new Map(someFactors(smallShape, lora));
    const linear = 'model.layers.1.self_attn.q_proj.weight';
    factors.delete(factorB(linear));
    expect(() => mergeLora(smallShape, lora, randomWeights(smallShape, 1), factors)).toThrow(
      `no factors for "${linear}"`,
    );
  });

  it('adds alpha / rank times B A', () => {
    const base = randomWeights(smallShape, 1);
    const factors = someFactors(smallShape, lora);
    const linear = 'model.layers.0.mlp.down_proj.weight';
    const [a, b, weight] = [
      the(factors.get(factorA(linear))),
      the(factors.get(factorB(linear))),
      the(base.get(linear)),
    ];
    const from = smallShape.intermediateSize;
    const [row, column] = [4, 9];
    let product = 0;
    for (let k = 0; k < 3; k++) product += the(b[row * 3 + k]) * the(a[k * from + column]);
    const at = row * from + column;
    expect(the(mergeLora(smallShape, lora, base, factors).get(linear))[at]).toBe(
      Math.fround(the(weight[at]) + 2 * product),
    );
  });
});
