import { draws } from '../../projections/random';
import type { Contribution, Example, ExampleInput, GradientRule } from '../../src/autodiff/rule';
import { GraphBuilder, staticShape, type Attributes, type Graph, type Value } from '../../src/onnx/graph';
import { mul, sub, sumAll } from '../../src/onnx/ops';
import type { OpName } from '../../src/onnx/opTable';
import type { DType } from '../../src/ports/tensorRuntime';
import { plain, sizeOf, type PlainTensor } from './plainTensor';
import { evaluate } from './referenceRuntime';

export type Feeds = Readonly<Record<string, PlainTensor>>;

/** Draws in [from, to), keyed so that every input of every seed has its own. */
export const randomTensor = (
  dtype: DType,
  dims: readonly number[],
  key: readonly (string | number)[],
  [from, to]: readonly [number, number] = [-1, 1],
): PlainTensor => {
  const stream = draws(key);
  return plain(
    dtype,
    dims,
    Array.from({ length: sizeOf(dims) }, (_, i) => from + (to - from) * stream.uniform(i)),
  );
};

const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

interface Placed {
  readonly value: Value;
  readonly feed?: PlainTensor;
}

const place = (b: GraphBuilder, input: ExampleInput, name: string, dtype: DType, seed: number): Placed => {
  if ('ints' in input) return { value: b.constant('int64', input.shape ?? [input.ints.length], input.ints) };
  if ('constant' in input) return { value: b.constant(dtype, [input.constant.length], input.constant) };
  if ('bools' in input) return { value: b.constant('bool', input.shape, input.bools) };
  const { shape, from = -1, to = 1 } = input;
  return { value: b.input(name, dtype, shape), feed: randomTensor(dtype, shape, [seed, name], [from, to]) };
};

/** One node on an example's inputs, with the feeds drawn from a seed. */
export const placeExample = (b: GraphBuilder, op: OpName, example: Example, dtype: DType, seed: number) => {
  const placed = example.inputs.map((input, i) => place(b, input, `x${i}`, dtype, seed));
  const inputs = placed.map(({ value }) => value);
  const outputs = b.emit(op, inputs, example.attributes ?? {});
  const wrt = example.wrt ?? inputs.flatMap(({ dtype: t, constant }, i) => (isFloat(t) && !constant ? [i] : []));
  const feeds = Object.fromEntries(placed.flatMap(({ value, feed }) => (feed ? [[value.name, feed]] : [])));
  return { inputs, outputs, wrt, feeds };
};

/** The graph of one example alone, for comparing what runtimes compute. */
export const exampleGraph = (
  op: OpName,
  example: Example,
  dtype: DType,
  seed: number,
): { graph: Graph; feeds: Feeds } => {
  const b = new GraphBuilder(op);
  const { outputs, feeds } = placeExample(b, op, example, dtype, seed);
  outputs.forEach((output, i) => b.output(`y${i}`, output));
  return { graph: b.build(), feeds };
};

const dot = (x: PlainTensor, y: PlainTensor): number =>
  x.data.reduce((sum, v, i) => sum + v * (y.data[i] ?? Number.NaN), 0);

const stepped = (x: PlainTensor, direction: PlainTensor, by: number): PlainTensor => ({
  ...x,
  data: x.data.map((v, i) => v + by * (direction.data[i] ?? Number.NaN)),
});

/** |a - b| over the larger of the two; 0 where both are. */
export const relativeError = (a: number, b: number): number =>
  a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));

export interface Directional {
  readonly input: string;
  readonly analytic: number;
  readonly numeric: number;
  readonly error: number;
}

/**
 * <gradient, v> against the central difference of the loss along v, one random v per differentiated input. `graph` has
 * the output `loss` and one gradient for each input. Double and
 * fourth order throughout, so that a difference of 1e-4 is exact to about 1e-11.
 */
export const checkDirections = (
  graph: Graph,
  feeds: Feeds,
  wrt: readonly string[],
  seed: number,
  step = 1e-4,
  gradientOf = (input: string): string => `grad:${input}`,
): Directional[] => {
  const at = evaluate(graph, feeds);
  return wrt.map((input) => {
    const [x, gradient] = [feeds[input], at[gradientOf(input)]];
    if (x === undefined || gradient === undefined) throw new Error(`no feed or no gradient for "${input}"`);
    const direction = randomTensor(x.dtype, x.dims, [seed, 'direction', input]);
    const loss = (by: number): number =>
      evaluate(graph, { ...feeds, [input]: stepped(x, direction, by) }, ['loss'])['loss']?.data[0] ?? Number.NaN;
    const analytic = dot(gradient, direction);
    const numeric = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step);
    return { input, analytic, numeric, error: relativeError(analytic, numeric) };
  });
};

/** Example inputs are double, except that a Cast is checked as it is used: from float32 to another type. */
export const exampleType = (op: OpName): DType => (op === 'Cast' ? 'float32' : 'float64');

/** One rule on one of its examples: a random cotangent at the first output, a random direction at each input. */
export const checkRule = (rule: GradientRule, example: Example, seed: number): Directional[] => {
  const b = new GraphBuilder(rule.op);
  const { outputs, inputs, wrt, feeds } = placeExample(b, rule.op, example, exampleType(rule.op), seed);
  const [node, output] = [b.nodes.at(-1), outputs[0]];
  if (node === undefined || output === undefined) throw new Error(`${rule.op} placed no node`);
  const cotangent = b.input('cotangent', output.dtype, output.shape);
  const contributions = rule.vjp(b, node, [cotangent]);
  if (contributions.length !== inputs.length)
    throw new Error(`${contributions.length} gradients for ${inputs.length} inputs`);
  for (const i of wrt) {
    const contribution = contributions[i];
    if (contribution === null || contribution === undefined)
      throw new Error(`the rule of ${rule.op} gives no gradient for input ${i}`);
    for (const [name, made] of gradientsOf(b, contribution, `x${i}`)) b.output(name, made);
  }
  b.output('loss', sumAll(b, mul(b, output, cotangent)));
  const graph = b.build();
  const added = graph.inputs.filter(({ name }) => name.startsWith('before:'));
  const all = {
    ...feeds,
    cotangent: randomTensor(output.dtype, staticShape(output), [seed, 'cotangent']),
    ...Object.fromEntries(
      added.map((value) => [value.name, randomTensor(value.dtype, staticShape(value), [seed, value.name])]),
    ),
  };
  const names = wrt.map((i) => `x${i}`);
  return [
    ...checkDirections(graph, all, names, seed),
    ...checkDirections(
      graph,
      all,
      names.filter((name) => graph.outputs.some((one) => one.name === `grad:onto:${name}`)),
      seed,
      1e-4,
      (input) => `grad:onto:${input}`,
    ),
  ];
};

/** A contribution as a gradient by itself, and (where it can be) as what it adds to a gradient that is there. */
const gradientsOf = (
  b: GraphBuilder,
  contribution: NonNullable<Contribution>,
  input: string,
): readonly (readonly [string, Value])[] => {
  if (typeof contribution === 'function') return [[`grad:${input}`, contribution()]];
  const alone = contribution.alone();
  const before = b.input(`before:${input}`, alone.dtype, alone.shape);
  return [
    [`grad:${input}`, alone],
    [`grad:onto:${input}`, sub(b, contribution.onto(before), before)],
  ];
};

/** `2x3 · 3x4 {transA:1}`: an example in one line. */
export const describeExample = ({ inputs, attributes = {} }: Example): string => {
  const shown = inputs.map((input) => {
    if ('ints' in input) return `ints(${input.ints.join(' ')})`;
    if ('constant' in input) return `constant(${input.constant.join(' ')})`;
    return input.shape.length === 0 ? 'scalar' : input.shape.join('x');
  });
  return [shown.join(' · '), ...describeAttributes(attributes)].join(' ');
};

const describeAttributes = (attributes: Attributes): string[] => {
  const listed = Object.entries(attributes).map(([name, value]) => `${name}:${JSON.stringify(value)}`);
  return listed.length === 0 ? [] : [`{${listed.join(' ')}}`];
};
