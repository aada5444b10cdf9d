import * as fc from 'fast-check';
import { gradient } from '../../src/autodiff/gradient';
import { GraphBuilder, GraphError, staticShape, type Value } from '../../src/onnx/graph';
import { add, cast, concat, matMul, mul, oneHot, reduceSum, scale, sub, sumAll, transpose } from '../../src/onnx/ops';
import { checkDirections, randomTensor } from '../support/directionalCheck';
import { plain } from '../support/plainTensor';
import { evaluate } from '../support/referenceRuntime';

const vector = (b: GraphBuilder, name = 'x'): Value => b.input(name, 'float64', [3]);

/** The gradient of `loss(x)` at x = [1, 2, 3]. */
const gradientAt = (loss: (b: GraphBuilder, x: Value) => Value): number[] => {
  const b = new GraphBuilder('test');
  const x = vector(b);
  const [grad] = gradient(b, loss(b, x), [x]);
  b.output('grad', grad ?? x);
  return Array.from(evaluate(b.build(), { x: plain('float64', [3], [1, 2, 3]) })['grad']?.data ?? []);
};

/** A step of a random program: which operator, on which earlier values. */
type Step = readonly [op: number, left: number, right: number];

const operators: readonly ((b: GraphBuilder, x: Value, y: Value) => Value)[] = [
  add,
  sub,
  mul,
  (b, x, y) => matMul(b, matMul(b, x, transpose(b, y, [1, 0])), x),
  (b, x) => b.one('Sigmoid', [x]),
  (b, x, y) => mul(b, b.one('Softmax', [x], { axis: -1 }), y),
  (b, x, y) => add(b, x, reduceSum(b, y, [0], true)),
  (b, x, y) => b.one('Where', [b.one('Less', [b.scalar('float64', 0.1), x]), y, x]),
  (b, x, y) => b.one('Div', [x, add(b, mul(b, y, y), b.scalar('float64', 1))]),
];

const steps = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 8 });

describe('gradient', () => {
  /** Worst gap between analytic and numeric directional derivatives of a random program, relative to at least 1. */
  const gapOf = (program: readonly Step[], seed: number): number => {
    const b = new GraphBuilder('program');
    const names = ['x0', 'x1', 'x2'];
    const inputs = names.map((name) => b.input(name, 'float64', [2, 3]));
    const values = [...inputs];
    const pick = (i: number): Value => values[i % values.length] ?? vector(b);
    // Squashed, so that no chain of products leaves the range where a difference is exact.
    for (const [op, left, right] of program) {
      const result = operators[op % operators.length]?.(b, pick(left), pick(right)) ?? pick(left);
      values.push(sub(b, b.one('Sigmoid', [result]), b.scalar('float64', 0.3)));
    }
    const weave = (sum: Value, value: Value): Value => add(b, mul(b, sum, value), scale(b, value, 0.7));
    const loss = sumAll(b, values.slice(1).reduce(weave, pick(0)));
    gradient(b, loss, inputs).forEach((grad, i) => b.output(`grad:x${i}`, grad));
    b.output('loss', loss);
    const feeds = Object.fromEntries(names.map((name) => [name, randomTensor('float64', [2, 3], [seed, name])]));
    // A small step, since there is no derivative where Where jumps.
    const checked = checkDirections(b.build(), feeds, names, seed, 1e-6);
    return Math.max(
      ...checked.map(({ analytic, numeric }) => Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic))),
    );
  };

  it('agrees with central differences on random programs with shared values', () => {
    const seeds = fc.integer({ min: 0, max: 1e9 });
    fc.assert(
      fc.property(steps, seeds, (program, seed) => expect(gapOf(program, seed)).toBeLessThan(1e-6)),
      { numRuns: 40, seed: 11 },
    );
  });

  it('adds what arrives over several paths', () => {
    expect(gradientAt((b, x) => sumAll(b, add(b, mul(b, x, x), x)))).toEqual([3, 5, 7]);
  });

  it('reaches values in the middle of the graph', () => {
    const b = new GraphBuilder('test');
    const middle = scale(b, vector(b), 2);
    const [grad] = gradient(b, sumAll(b, mul(b, middle, middle)), [middle]);
    b.output('grad', grad ?? middle);
    expect(Array.from(evaluate(b.build(), { x: plain('float64', [3], [1, 2, 3]) })['grad']?.data ?? [])).toEqual([
      4, 8, 12,
    ]);
  });

  it('is one for the loss itself', () => {
    const b = new GraphBuilder('test');
    const loss = sumAll(b, vector(b));
    expect(gradient(b, loss, [loss])[0]?.constant?.data).toEqual(Float64Array.of(1));
  });

  it('does not pass through operators without a gradient', () => {
    expect(
      gradientAt((b, x) => sumAll(b, mul(b, x, cast(b, b.one('Less', [x, b.scalar('float64', 2.5)]), 'float64')))),
    ).toEqual([1, 1, 0]);
  });

  it('does not pass through integers', () => {
    expect(gradientAt((b, x) => sumAll(b, mul(b, scale(b, x, 0.5), cast(b, cast(b, x, 'int64'), 'float64'))))).toEqual([
      0.5, 1, 1.5,
    ]);
  });

  it('builds nothing for values that nobody asked about', () => {
    const b = new GraphBuilder('test');
    const [x, y] = [vector(b), vector(b, 'y')];
    const loss = sumAll(b, mul(b, x, y));
    const before = b.nodes.length;
    gradient(b, loss, [x]);
    const added = b.nodes.slice(before);
    expect(added.flatMap((node) => node.inputs.map(({ name }) => name))).not.toContain('x');
  });

  it("gives gradients of the inputs' shapes", () => {
    const b = new GraphBuilder('test');
    const [x, y] = [b.input('x', 'float64', [4, 1]), b.input('y', 'float64', [])];
    const grads = gradient(b, sumAll(b, mul(b, x, y)), [x, y]);
    expect(grads.map(staticShape)).toEqual([[4, 1], []]);
  });
});

describe('gradient refuses', () => {
  const refusal = (loss: (b: GraphBuilder, x: Value) => Value): string => {
    try {
      gradientAt(loss);
    } catch (error) {
      if (error instanceof GraphError) return error.message;
      throw error;
    }
    return 'nothing';
  };

  it('an operator without a rule, with the name of its node', () => {
    const within = (b: GraphBuilder, x: Value): Value =>
      b.scope('block0', () => b.one('CumSum', [x, b.scalar('int64', 0)]));
    expect(refusal((b, x) => sumAll(b, within(b, x)))).toBe('no gradient rule for CumSum (node "block0/CumSum")');
  });

  it('such an operator only where it lies on the path', () => {
    const aside = (b: GraphBuilder, x: Value): Value => {
      b.one('CumSum', [x, b.scalar('int64', 0)]);
      const y = b.one('Min', [b.scalar('float64', 1), b.scalar('float64', 2)]);
      return sumAll(b, mul(b, x, y));
    };
    expect(gradientAt(aside)).toEqual([1, 1, 1]);
    expect(refusal((b, x) => sumAll(b, concat(b, [x, x], 0)))).toMatch(/no gradient rule for Concat/);
  });

  it('a Loop whose body reads a differentiated value by name', () => {
    const looped = (b: GraphBuilder, x: Value): Value => {
      const body = new GraphBuilder('body', b);
      body.input('i', 'int64', []);
      const condition = body.input('condition', 'bool', []);
      const sum = body.input('sum', 'float64', [3]);
      body.output('go', condition);
      body.output('next', add(body, sum, x));
      const zero = b.constant('float64', [3], [0, 0, 0]);
      return b.one('Loop', [b.scalar('int64', 2), b.scalar('bool', 1), zero], { body: { graph: body.build() } });
    };
    expect(refusal((b, x) => sumAll(b, add(b, looped(b, x), x)))).toBe('no gradient rule for Loop (node "Loop")');
  });

  it('a loss that is not a scalar', () => {
    expect(refusal((b, x) => mul(b, x, x))).toBe('a loss is a scalar, got [3] (node "Mul:out")');
  });

  it('a value that the loss does not depend on', () => {
    expect(refusal((b) => sumAll(b, vector(b, 'other')))).toBe('the loss does not depend on this value (node "x")');
  });

  it('a value that the loss depends on only through indices', () => {
    const indexed = (b: GraphBuilder, x: Value): Value => oneHot(b, cast(b, x, 'int64'), 4, 'float64');
    expect(refusal((b, x) => sumAll(b, indexed(b, x)))).toBe('the loss does not depend on this value (node "x")');
  });

  it('Gather along another axis than the first', () => {
    const column = (b: GraphBuilder): Value =>
      b.one('Gather', [b.input('table', 'float64', [2, 3]), b.ints([0])], { axis: 1 });
    const b = new GraphBuilder('test');
    const loss = sumAll(b, column(b));
    expect(() => gradient(b, loss, b.inputs)).toThrow('Gather has a gradient along axis 0 only (node "Gather")');
  });

  it("a norm's own factors", () => {
    const b = new GraphBuilder('test');
    const [x, weight] = [b.input('x', 'float64', [2, 3]), b.input('weight', 'float64', [3])];
    const attributes = { axis: -1, epsilon: { float: 1e-5 }, stash_type: 1 };
    const [, factors = x] = b.emit('SimplifiedLayerNormalization', [x, weight], attributes);
    expect(() => gradient(b, sumAll(b, factors), [x])).toThrow(
      'the gradient of 1 / rms is not supported (node "SimplifiedLayerNormalization")',
    );
  });

  it('the log-probabilities of the loss operator', () => {
    const b = new GraphBuilder('test');
    const logits = b.input('logits', 'float64', [2, 3]);
    const [, logProb = logits] = b.emit('SoftmaxCrossEntropyLoss', [logits, b.ints([0, 1])], { reduction: 'none' });
    expect(() => gradient(b, sumAll(b, logProb), [logits])).toThrow(
      /SoftmaxCrossEntropyLoss.*log_prob is not supported/,
    );
  });
});
