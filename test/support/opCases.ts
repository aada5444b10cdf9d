import { rules } from '../../src/autodiff/rules';
import { GraphBuilder, type Attributes, type Graph, type Value } from '../../src/onnx/graph';
import { add, cast, gather } from '../../src/onnx/ops';
import type { OpName } from '../../src/onnx/opTable';
import type { DType, Tensor } from '../../src/ports/tensorRuntime';
import { describeExample, exampleGraph } from './directionalCheck';
import { plain, toTensor, type PlainTensor } from './plainTensor';

/** One graph with feeds, on which a runtime is compared with the reference interpreter. */
export interface OpCase {
  readonly name: string;
  readonly op: OpName;
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const f = (dims: readonly number[], data: readonly number[]): PlainTensor => plain('float32', dims, data);
const i64 = (dims: readonly number[], data: readonly number[]): PlainTensor => plain('int64', dims, data);
const typed = (dtype: DType, data: readonly number[]): PlainTensor => plain(dtype, [data.length], data);

const tensors = (feeds: Readonly<Record<string, PlainTensor>>): OpCase['feeds'] =>
  Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toTensor(feed)]));

/** One node whose inputs are fed, followed by what has to be constant. */
const single = (
  op: OpName,
  name: string,
  fed: readonly PlainTensor[],
  attributes: Attributes = {},
  constants: (b: GraphBuilder) => readonly Value[] = () => [],
): OpCase => {
  const b = new GraphBuilder(op);
  const inputs = fed.map(({ dtype, dims }, i) => b.input(`x${i}`, dtype, dims));
  b.emit(op, [...inputs, ...constants(b)], attributes).forEach((output, i) => b.output(`y${i}`, output));
  return {
    name: `${op}: ${name}`,
    op,
    graph: b.build(),
    feeds: tensors(Object.fromEntries(fed.map((feed, i) => [`x${i}`, feed]))),
  };
};

/** Doubles a row until it passes 100 or the turns run out, adding a value of the outer graph; keeps every turn. */
const loopCase = (name: string, start: number, turns: number): OpCase => {
  const b = new GraphBuilder('Loop');
  const [x, step] = [b.input('x', 'float32', [2]), b.input('step', 'float32', [])];
  const body = new GraphBuilder('body', b);
  const turn = body.input('turn', 'int64', []);
  body.input('condition', 'bool', []);
  const row = body.input('row', 'float32', [2]);
  const next = add(body, add(body, row, row), step);
  body.output('go', body.one('Less', [gather(body, next, body.scalar('int64', 0), 0), body.scalar('float32', 100)]));
  body.output('next', next);
  body.output('seen', next);
  body.output('turns', cast(body, turn, 'float32'));
  const results = b.emit('Loop', [b.scalar('int64', turns), b.scalar('bool', 1), x], { body: { graph: body.build() } });
  results.forEach((output, i) => b.output(`y${i}`, output));
  return {
    name: `Loop: ${name}`,
    op: 'Loop',
    graph: b.build(),
    feeds: tensors({ x: f([2], [start, 2]), step: f([], [0.25]) }),
  };
};

/** A carried value that grows by concatenation, as the decoding cache does. */
const growingLoop = (): OpCase => {
  const b = new GraphBuilder('Growing');
  const x = b.input('x', 'float32', [1, 2]);
  const body = new GraphBuilder('body', b);
  const turn = body.input('turn', 'int64', []);
  const condition = body.input('condition', 'bool', []);
  const cache = body.input('cache', 'float32', ['seen', 2]);
  const row = body.one('Expand', [cast(body, turn, 'float32'), body.ints([1, 2])]);
  body.output('go', condition);
  body.output('next', body.one('Concat', [cache, row], { axis: 0 }));
  const [last = x] = b.emit('Loop', [b.scalar('int64', 3), b.scalar('bool', 1), x], { body: { graph: body.build() } });
  b.output('y', last);
  return {
    name: 'Loop: a carried value that grows',
    op: 'Loop',
    graph: b.build(),
    feeds: tensors({ x: f([1, 2], [7, 8]) }),
  };
};

const more: readonly OpCase[] = [
  single('Identity', 'bool', [typed('bool', [1, 0])]),
  single('Identity', 'no rows', [f([0, 3], [])]),
  single('Add', 'int64, broadcast', [i64([2, 1], [1, 2]), i64([3], [10, 20, 30])]),
  single('Sub', 'int32', [typed('int32', [1, 2]), typed('int32', [5, -5])]),
  single('Mul', 'int64', [typed('int64', [3, -4]), typed('int64', [5, 6])]),
  single('Min', 'broadcast', [f([2, 2], [1, -2, 3, 0.5]), f([], [0.75])]),
  single('Min', 'int64', [typed('int64', [3, -4]), typed('int64', [2, 9])]),
  single('Exp', 'far below zero', [f([3], [-1e9, -200, 0])]),
  single('Sigmoid', 'both tails', [f([4], [-60, -1, 1, 60])]),
  single('MatMul', 'inner dimension 1', [f([2, 1], [1, 2]), f([1, 3], [3, 4, 5])]),
  single('Softmax', 'masked and large', [f([2, 3], [800, 801, -1e9, -1e9, -1e9, -2e9])], { axis: -1 }),
  single('Softmax', 'first axis', [f([3, 2], [1, 2, 3, 4, 5, 7])], { axis: 0 }),
  single('LogSoftmax', 'masked and large', [f([2, 3], [800, 801, -1e9, 0, 1, 2])], { axis: -1 }),
  single('ReduceSum', 'int64', [i64([2, 3], [1, 2, 3, 4, 5, 6])], { keepdims: 0 }, (b) => [b.ints([0])]),
  single('ReduceSum', 'a scalar over no axes', [f([], [3])], { keepdims: 0 }, (b) => [b.ints([])]),
  single('Gather', 'last axis, from the end', [f([2, 3], [1, 2, 3, 4, 5, 6]), i64([2], [-1, 0])], { axis: 1 }),
  single('Gather', 'a scalar index', [f([2, 3], [1, 2, 3, 4, 5, 6]), i64([], [1])], { axis: 0 }),
  single('GatherElements', 'last axis', [f([2, 3], [1, 2, 3, 4, 5, 6]), i64([2, 2], [2, 0, 1, 1])], { axis: 1 }),
  single('GatherElements', 'int64, first axis', [i64([3, 2], [1, 2, 3, 4, 5, 6]), i64([1, 2], [2, 1])], { axis: 0 }),
  single('OneHot', 'repeated and from the end', [i64([2, 2], [0, 3, 3, -1])], { axis: -1 }, (b) => [
    b.scalar('int64', 4),
    b.constant('float32', [2], [0, 1]),
  ]),
  single(
    'RotaryEmbedding',
    'by head',
    [
      f(
        [2, 3, 2, 4],
        Array.from({ length: 48 }, (_, i) => (i % 7) - 3),
      ),
      i64([2, 2], [0, 2, 1, 1]),
      f([3, 2], [1, 1, 0.5, 0.25, -0.5, 0.75]),
      f([3, 2], [0, 0, 0.75, 0.5, 0.25, -1]),
    ],
    { num_heads: 3, interleaved: 0, scale: { float: 1 } },
  ),
  single(
    'SkipSimplifiedLayerNormalization',
    'two rows',
    [f([2, 1, 3], [1, 2, 3, -1, 0, 4]), f([2, 1, 3], [0.5, -2, 1, 3, 0, 0.25]), f([3], [1, 2, -1])],
    { epsilon: { float: 1e-5 } },
  ),
  single('ScatterND', 'rows, one of them twice', [
    f([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
    i64([3, 1], [2, 0, 2]),
    f([3, 2], [-1, -2, -3, -4, -1, -2]),
  ]),
  single('ScatterND', 'int64, a row of matrices', [
    i64([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
    i64([1, 1], [1]),
    i64([1, 2, 2], [9, 8, 7, 6]),
  ]),
  single(
    'ScatterElements',
    'last axis',
    [f([2, 3], [1, 2, 3, 4, 5, 6]), i64([2, 2], [2, 0, 1, 2]), f([2, 2], [-1, -2, -3, -4])],
    { axis: -1 },
  ),
  single(
    'ScatterElements',
    'int64, first axis',
    [i64([3, 2], [1, 2, 3, 4, 5, 6]), i64([1, 2], [2, 1]), i64([1, 2], [9, 8])],
    { axis: 0 },
  ),
  single('Compress', 'first axis', [f([3, 2], [1, 2, 3, 4, 5, 6]), typed('bool', [1, 0, 1])], { axis: 0 }),
  single('Compress', 'nothing of int64', [i64([2, 2], [1, 2, 3, 4]), typed('bool', [0, 0])], { axis: 1 }),
  single('Concat', 'middle axis', [f([2, 1, 2], [1, 2, 3, 4]), f([2, 2, 2], [5, 6, 7, 8, 9, 10, 11, 12])], { axis: 1 }),
  single('Concat', 'three, from the end', [f([1, 1], [1]), f([1, 2], [2, 3]), f([1, 1], [4])], { axis: -1 }),
  single('Split', 'last axis', [f([2, 3], [1, 2, 3, 4, 5, 6])], { axis: -1 }, (b) => [b.ints([1, 2])]),
  single('Split', 'three, middle axis', [f([1, 4, 2], [1, 2, 3, 4, 5, 6, 7, 8])], { axis: 1 }, (b) => [
    b.ints([1, 2, 1]),
  ]),
  single('Split', 'sizes known at run time', [f([1, 3], [1, 2, 3]), i64([2], [2, 1])], { axis: 1 }),
  single('Split', 'an empty part', [f([1, 2], [1, 2]), i64([2], [0, 2])], { axis: 1 }),
  single('Reshape', 'a size copied, one left', [f([2, 6], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])], {}, (b) => [
    b.ints([0, -1, 3]),
  ]),
  single('Where', 'int64', [typed('bool', [1, 0, 1]), i64([], [9]), typed('int64', [1, 2, 3])]),
  single('Cast', 'float32 to int64, towards zero', [f([4], [1.9, -1.9, 0.5, 3])], { to: 7 }),
  single('Cast', 'float32 to int32', [f([2], [7.5, -7.5])], { to: 6 }),
  single('Cast', 'int64 to float32', [typed('int64', [-3, 70000])], { to: 1 }),
  single('Cast', 'bool to float32', [typed('bool', [1, 0])], { to: 1 }),
  single('Cast', 'bool to int64', [typed('bool', [1, 0])], { to: 7 }),
  single('Cast', 'float32 to bool', [f([3], [0, 0.25, -1])], { to: 9 }),
  single('Less', 'float32, broadcast', [f([2, 1], [1, 2]), f([2], [2, 1.5])]),
  single('Less', 'int64', [typed('int64', [1, 5]), typed('int64', [2, 5])]),
  single('Less', 'int32', [typed('int32', [1, 5]), typed('int32', [2, 5])]),
  single('Equal', 'int64', [typed('int64', [1, 5]), i64([], [5])]),
  single('Equal', 'float32', [f([2], [0.5, 2]), f([2], [0.5, 3])]),
  single('Or', 'broadcast', [typed('bool', [1, 0]), plain('bool', [2, 1], [0, 1])]),
  single(
    'TopK',
    'all, with ties',
    [f([2, 5], [1, 3, 3, 0, 3, 2, 2, 2, 2, 2])],
    { axis: -1, largest: 1, sorted: 1 },
    (b) => [b.ints([5])],
  ),
  single('TopK', 'some', [f([2, 4], [1, 4, 3, 2, 9, 7, 8, 9])], { axis: -1, largest: 1, sorted: 1 }, (b) => [
    b.ints([2]),
  ]),
  single('CumSum', 'last axis', [f([2, 3], [1, 2, 3, 4, 5, 6])], {}, (b) => [b.scalar('int64', 1)]),
  single('CumSum', 'exclusive', [f([2, 3], [1, 2, 3, 4, 5, 6])], { exclusive: 1 }, (b) => [b.scalar('int64', 1)]),
  single('CumSum', 'int64, first axis', [i64([2, 3], [1, 2, 3, 4, 5, 6])], {}, (b) => [b.scalar('int64', 0)]),
  loopCase('runs out of turns', 1, 4),
  loopCase('stops early', 40, 9),
  loopCase('no turn at all', 1, 0),
  growingLoop(),
];

/** Every rule's examples in float32, and the cases of operators and types that no rule has. */
export const opCases: readonly OpCase[] = [
  ...rules.flatMap(({ op, examples }) =>
    examples.map((example): OpCase => {
      const { graph, feeds } = exampleGraph(op, example, 'float32', 3);
      return { name: `${op}: ${describeExample(example)}`, op, graph, feeds: tensors(feeds) };
    }),
  ),
  ...more,
];
