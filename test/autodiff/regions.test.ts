import * as fc from 'fast-check';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { gradient } from '../../src/autodiff/gradient';
import { GraphBuilder, type Value } from '../../src/onnx/graph';
import { add, matMul, mul, scale, sumAll } from '../../src/onnx/ops';
import { checkDirections, randomTensor, type Feeds } from '../support/directionalCheck';
import { the } from '../support/events';
import { plain, toTensor } from '../support/plainTensor';
import { evaluate } from '../support/referenceRuntime';
import { numbersOf, runGraph } from '../support/running';

type Body = (b: GraphBuilder, x: Value) => Value;

const vector = (b: GraphBuilder, name = 'x'): Value => b.input(name, 'float64', [3]);

const tripled = (grad: Value | undefined, b: GraphBuilder): Value => scale(b, the(grad), 3);

/** A region whose gradient is said to be three times what arrives, whatever its body is. */
const says3: (body: Body) => Body = (body) => (b, x) =>
  the(
    b.region(
      [x],
      () => [body(b, x)],
      () => ({ vjp: ([grad]) => [() => tripled(grad, b)] }),
    )[0],
  );

/** A region that is computed again for its gradient. */
const again: (body: Body) => Body = (body) => (b, x) =>
  the(
    b.region(
      [x],
      () => [body(b, x)],
      () => ({ rebuild: ([input]) => [body(b, the(input))] }),
    )[0],
  );

const square: Body = (b, x) => mul(b, x, x);

/** The gradient of the sum of a body's result at [1, 2, 3]. */
const gradientAt = (body: Body): number[] => {
  const b = new GraphBuilder('test');
  const x = vector(b);
  const [grad] = gradient(b, sumAll(b, body(b, x)), [x]);
  b.output('grad', the(grad));
  return Array.from(the(evaluate(b.build(), { x: plain('float64', [3], [1, 2, 3]) })['grad']).data);
};

describe('a region with a gradient of its own', () => {
  it('is differentiated as it says, and not by its nodes', () => {
    expect(gradientAt(square)).toEqual([2, 4, 6]);
    expect(gradientAt(says3(square))).toEqual([3, 3, 3]);
  });

  it('may hold what has no gradient rule', () => {
    const sum: Body = (b, x) => b.one('CumSum', [x, b.scalar('int64', 0)]);
    expect(() => gradientAt(sum)).toThrow('no gradient rule for CumSum');
    expect(gradientAt(says3(sum))).toEqual([3, 3, 3]);
  });

  it('adds to what arrives over other paths, before and behind it', () => {
    expect(gradientAt((b, x) => add(b, mul(b, x, x), says3(square)(b, x)))).toEqual([5, 7, 9]);
    // 2 x⁴ arrives at the region, which triples it; its input is x².
    expect(gradientAt((b, x) => square(b, says3(square)(b, square(b, x))))).toEqual([12, 384, 2916]);
  });

  it('is one of several, one behind the other', () => {
    expect(gradientAt((b, x) => says3(square)(b, says3(square)(b, x)))).toEqual([9, 9, 9]);
  });

  it('is part of the region around it, also where both have the same nodes', () => {
    const around: (inner: Body) => Body = (inner) => (b, x) =>
      the(
        b.region(
          [x],
          () => [inner(b, x)],
          () => ({ vjp: ([grad]) => [() => scale(b, the(grad), 7)] }),
        )[0],
      );
    expect(gradientAt(around((b, x) => add(b, says3(square)(b, x), x)))).toEqual([7, 7, 7]);
    expect(gradientAt(around((b, x) => says3(square)(b, add(b, x, x))))).toEqual([7, 7, 7]);
    expect(gradientAt(around(says3(square)))).toEqual([7, 7, 7]);
  });

  it('has several outputs, and is told which of them matter', () => {
    const seen: boolean[][] = [];
    const two = (b: GraphBuilder, x: Value): readonly Value[] =>
      b.region(
        [x],
        () => [scale(b, x, 2), scale(b, x, 5)],
        () => ({
          vjp: (grads) => {
            seen.push(grads.map((grad) => grad !== undefined));
            const [first, second] = grads;
            return [() => (first === undefined ? scale(b, the(second), 5) : scale(b, first, 2))];
          },
        }),
      );
    expect(gradientAt((b, x) => the(two(b, x)[0]))).toEqual([2, 2, 2]);
    expect(gradientAt((b, x) => the(two(b, x)[1]))).toEqual([5, 5, 5]);
    gradientAt((b, x) => {
      const [first, second] = two(b, x);
      return add(b, the(first), the(second));
    });
    expect(seen).toEqual([
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  it('is not asked for gradients that nobody wants, nor where nothing arrives', () => {
    const asked: string[] = [];
    const b = new GraphBuilder('test');
    const [x, y] = [vector(b), vector(b, 'y')];
    const region = (name: string, of: Value): Value =>
      the(
        b.region(
          [x, of],
          () => [mul(b, x, of)],
          () => ({
            vjp: ([grad]) => {
              asked.push(name);
              return [
                () => mul(b, the(grad), of),
                () => {
                  throw new Error(`${name} is asked for the gradient of its second input`);
                },
              ];
            },
          }),
        )[0],
      );
    region('unused', y);
    const [grad] = gradient(b, sumAll(b, region('used', y)), [x]);
    expect(asked).toEqual(['used']);
    b.output('grad', the(grad));
    const feeds = { x: plain('float64', [3], [1, 2, 3]), y: plain('float64', [3], [4, 5, 6]) };
    expect(Array.from(the(evaluate(b.build(), feeds)['grad']).data)).toEqual([4, 5, 6]);
  });

  it('may leave an input without a gradient', () => {
    const stopped: Body = (b, x) =>
      the(
        b.region(
          [x],
          () => [square(b, x)],
          () => ({ vjp: () => [null] }),
        )[0],
      );
    expect(gradientAt((b, x) => add(b, stopped(b, x), x))).toEqual([1, 1, 1]);
    expect(() => gradientAt(stopped)).toThrow('the loss does not depend on this value (node "x")');
  });
});

describe('a region that is wrong', () => {
  it('gives other than one gradient per input', () => {
    const none: Body = (b, x) =>
      the(
        b.region(
          [x],
          () => [square(b, x)],
          () => ({ vjp: () => [] }),
        )[0],
      );
    expect(() => gradientAt(none)).toThrow('region\'s rule gives 0 gradients for 1 inputs (node "Mul:out")');
  });

  it('gives a gradient of another shape than its input', () => {
    const flat: Body = (b, x) =>
      the(
        b.region(
          [x],
          () => [square(b, x)],
          () => ({ vjp: ([grad]) => [() => sumAll(b, the(grad))] }),
        )[0],
      );
    expect(() => gradientAt(flat)).toThrow('gradient of input 0 is [], the input is [3] (node "Mul:out")');
  });

  it('is read inside by others: what arrives there would be lost', () => {
    const leaky: Body = (b, x) => {
      let inner = x;
      const body = (input: Value): readonly Value[] => {
        inner = scale(b, input, 2);
        return [square(b, inner)];
      };
      const [y] = b.region(
        [x],
        () => body(x),
        () => ({ rebuild: ([input]) => body(the(input)) }),
      );
      return add(b, the(y), inner);
    };
    expect(() => gradientAt(leaky)).toThrow(
      'read outside its region, but no output of it: its gradient would be lost (node "Mul:out")',
    );
  });
});

describe('a region that is computed again', () => {
  it('has the gradient of its nodes', () => {
    expect(gradientAt(again(square))).toEqual([2, 4, 6]);
    expect(gradientAt((b, x) => add(b, again(square)(b, square(b, x)), x))).toEqual([5, 33, 109]);
  });

  it('keeps the regions that are in it', () => {
    expect(gradientAt(again((b, x) => add(b, says3(square)(b, x), square(b, x))))).toEqual([5, 7, 9]);
    expect(gradientAt(again(says3(square)))).toEqual([3, 3, 3]);
    expect(gradientAt(again((b, x) => again(square)(b, again(square)(b, x))))).toEqual([4, 32, 108]);
  });

  it('reaches what its body reads besides its inputs', () => {
    const b = new GraphBuilder('test');
    const [x, weight] = [vector(b), vector(b, 'weight')];
    const y = again((_, input) => mul(b, input, mul(b, weight, weight)))(b, x);
    const grads = gradient(b, sumAll(b, y), [x, weight]);
    grads.forEach((grad, i) => b.output(`grad${i}`, grad));
    const feeds = { x: plain('float64', [3], [1, 2, 3]), weight: plain('float64', [3], [4, 5, 6]) };
    const got = evaluate(b.build(), feeds);
    expect(Array.from(the(got['grad0']).data)).toEqual([16, 25, 36]);
    expect(Array.from(the(got['grad1']).data)).toEqual([8, 20, 36]);
  });

  it('reads nothing of its first computation but what went in and came out', () => {
    const b = new GraphBuilder('test');
    const x = vector(b);
    const before = square(b, x);
    const y = again((_, input) => b.one('Sigmoid', [b.one('Exp', [square(b, input)])]))(b, before);
    const region = the(b.regions[0]);
    const inside = new Set(
      b.nodes.slice(region.from, region.to).flatMap((node) => node.outputs.map(({ name }) => name)),
    );
    inside.delete(y.name);
    const loss = sumAll(b, mul(b, y, y));
    const forward = b.nodes.length;
    gradient(b, loss, [x]);
    const backward = b.nodes.slice(forward);
    // It waits for its gradient: the second Sigmoid reads, by and by, what the first one gave.
    const needed = new Set(
      backward.filter(({ op }) => op === 'Sigmoid').flatMap(({ outputs }) => outputs.map(({ name }) => name)),
    );
    expect(needed.size).toBe(1);
    for (const node of b.nodes.toReversed())
      if (node.outputs.some(({ name }) => needed.has(name))) for (const { name } of node.inputs) needed.add(name);
    expect(needed.has(y.name)).toBe(true);
    expect(backward.length).toBeGreaterThan(inside.size);
    expect(backward.flatMap((node) => node.inputs.map(({ name }) => name)).filter((name) => inside.has(name))).toEqual(
      [],
    );
  });
});

/** A step of a random program: which operator, on which earlier values. */
type Step = readonly [op: number, left: number, right: number];

const operators: readonly ((b: GraphBuilder, x: Value, y: Value) => Value)[] = [
  add,
  mul,
  (b, x) => b.one('Sigmoid', [x]),
  (b, x, y) => matMul(b, x, b.one('Softmax', [y], { axis: -1 })),
  (b, x, y) => b.one('Div', [x, add(b, mul(b, y, y), b.scalar(x.dtype, 1))]),
];

const steps = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 4 });
const programs = fc.array(steps, { minLength: 1, maxLength: 4 });

const names = ['x', 'w'];

/** Parts one behind the other, each on the last one's result and a weight; each may be a region, computed again. */
const graphOf = (
  parts: readonly (readonly Step[])[],
  dtype: 'float32' | 'float64',
  rebuilt: (part: number) => boolean,
) => {
  const b = new GraphBuilder('program');
  const [x, w] = names.map((name) => b.input(name, dtype, [4, 4]));
  const body =
    (part: readonly Step[]): Body =>
    (_, input) => {
      const values = [input, the(w)];
      for (const [op, left, right] of part) {
        const pick = (i: number): Value => the(values[i % values.length]);
        values.push(b.one('Sigmoid', [the(operators[op % operators.length])(b, pick(left), pick(right))]));
      }
      return add(
        b,
        input,
        values.reduce((sum, value) => add(b, sum, value)),
      );
    };
  const wrap = (part: readonly Step[], i: number): Body => (rebuilt(i) ? again(body(part)) : body(part));
  const y = parts.reduce((value, part, i) => wrap(part, i)(b, value), the(x));
  const loss = sumAll(b, mul(b, y, y));
  gradient(b, loss, [the(x), the(w)]).forEach((grad, i) => b.output(`grad:${names[i]}`, grad));
  b.output('loss', loss);
  return b.build();
};

const feedsOf = (dtype: 'float32' | 'float64', seed: number): Feeds =>
  Object.fromEntries(names.map((name) => [name, randomTensor(dtype, [4, 4], [seed, name])]));

describe('random programs of regions that are computed again', () => {
  it('agree with central differences', () => {
    fc.assert(
      fc.property(programs, fc.nat(), (parts, seed) => {
        const graph = graphOf(parts, 'float64', (part) => (part + seed) % 3 < 2);
        for (const { analytic, numeric } of checkDirections(graph, feedsOf('float64', seed), names, seed))
          expect(Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic))).toBeLessThan(1e-6);
      }),
      { numRuns: 25, seed: 3 },
    );
  });

  it('give the bits of the same programs without regions on ONNX Runtime', async () => {
    const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });
    await fc.assert(
      fc.asyncProperty(programs, fc.nat(), async (parts, seed) => {
        const feeds = Object.fromEntries(
          Object.entries(feedsOf('float32', seed)).map(([name, x]) => [name, toTensor(x)]),
        );
        const [wanted, got] = [
          await runGraph(
            runtime,
            graphOf(parts, 'float32', () => false),
            feeds,
          ),
          await runGraph(
            runtime,
            graphOf(parts, 'float32', (part) => (part + seed) % 3 < 2),
            feeds,
          ),
        ];
        for (const name of ['loss', 'grad:x', 'grad:w']) expect(numbersOf(got, name)).toEqual(numbersOf(wanted, name));
      }),
      { numRuns: 25, seed: 4 },
    );
  });
});
