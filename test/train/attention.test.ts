import { gradient } from '../../src/autodiff/gradient';
import { GraphBuilder, type Graph, type Value } from '../../src/onnx/graph';
import { add, matMul, mul, scale, sumAll, transposeLast } from '../../src/onnx/ops';
import { scaledDotProduct } from '../../src/train/attention';
import { masked } from '../../src/train/transformer';
import { checkDirections, randomTensor, type Feeds } from '../support/directionalCheck';
import { the } from '../support/events';
import { plain } from '../support/plainTensor';
import { evaluate } from '../support/referenceRuntime';

const names = ['q', 'k', 'v'];

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly mask: { readonly dims: readonly number[]; readonly at: (flat: number) => number };
}

const causal = (flat: number, size: number): number => (flat % size > Math.floor(flat / size) ? masked : 0);

const cases: readonly Case[] = [
  {
    name: 'one head, no mask',
    shapes: [
      [3, 4],
      [3, 4],
      [3, 4],
    ],
    mask: { dims: [], at: () => 0 },
  },
  {
    name: 'causal, heads of a batch',
    shapes: [
      [2, 2, 4, 3],
      [2, 2, 4, 3],
      [2, 2, 4, 3],
    ],
    mask: { dims: [4, 4], at: (flat) => causal(flat, 4) },
  },
  {
    name: 'more queries than keys, a mask for each line',
    shapes: [
      [2, 1, 6, 2],
      [2, 1, 3, 2],
      [2, 1, 3, 2],
    ],
    mask: { dims: [2, 1, 6, 3], at: (flat) => ((flat * 5) % 7 === 0 ? masked : (flat % 5) / 10) },
  },
];

/** By its parts, without a gradient of its own. */
const byParts = (b: GraphBuilder, q: Value, k: Value, v: Value, mask: Value): Value => {
  const scores = scale(b, matMul(b, q, transposeLast(b, k)), 1 / Math.sqrt(Number(q.shape.at(-1))));
  return matMul(b, b.one('Softmax', [add(b, scores, mask)], { axis: -1 }), v);
};

const graphOf = ({ shapes, mask }: Case, attention: typeof scaledDotProduct, wrt = names): Graph => {
  const b = new GraphBuilder('attention');
  const [q, k, v] = names.map((name, i) => b.input(name, 'float64', the(shapes[i])));
  const context = attention(b, the(q), the(k), the(v), b.input('mask', 'float64', mask.dims));
  const loss = sumAll(b, mul(b, context, b.input('cotangent', 'float64', context.shape)));
  const inputs = new Map([the(q), the(k), the(v)].map((value) => [value.name, value]));
  gradient(
    b,
    loss,
    wrt.map((name) => the(inputs.get(name))),
  ).forEach((grad, i) => b.output(`grad:${wrt[i]}`, grad));
  b.output('context', context);
  b.output('loss', loss);
  return b.build();
};

const feedsOf = ({ shapes, mask }: Case, seed: number): Feeds => {
  const size = mask.dims.reduce((product, dim) => product * dim, 1);
  return {
    ...Object.fromEntries(names.map((name, i) => [name, randomTensor('float64', the(shapes[i]), [seed, name])])),
    mask: plain(
      'float64',
      mask.dims,
      Array.from({ length: size }, (_, flat) => mask.at(flat)),
    ),
    cotangent: randomTensor('float64', the(shapes[0]), [seed, 'cotangent']),
  };
};

describe.each(cases)('attention, $name', (one) => {
  it('has the gradients that central differences have', () => {
    for (const seed of [1, 2, 3])
      for (const { error } of checkDirections(graphOf(one, scaledDotProduct), feedsOf(one, seed), names, seed))
        expect(error).toBeLessThan(1e-6);
  });

  it('has values and gradients of its parts', () => {
    const [got, wanted] = [scaledDotProduct, byParts].map((attention) =>
      evaluate(graphOf(one, attention), feedsOf(one, 4)),
    );
    for (const name of ['context', ...names.map((input) => `grad:${input}`)])
      the(got?.[name]).data.forEach((value, i) => expect(value).toBeCloseTo(the(wanted?.[name]?.data[i]), 12));
  });

  it('makes the gradient of the scores once, and only where it is wanted', () => {
    const opsOf = (wrt: readonly string[]): number =>
      graphOf(one, scaledDotProduct, [...wrt]).nodes.filter(({ op }) => op === 'ReduceSum').length;
    // One sum is the loss's own.
    expect([opsOf(['q', 'k', 'v']), opsOf(['q']), opsOf(['v'])]).toEqual([2, 2, 1]);
  });
});

describe('a masked key', () => {
  it('has no part in anything: its values change no bit, its gradients are 0', () => {
    const causalCase = the(cases[1]);
    const graph = graphOf(causalCase, scaledDotProduct);
    const feeds = feedsOf(causalCase, 5);
    const at = evaluate(graph, feeds);
    // The first query sees the first key alone: all that is behind it may be anything.
    const changed = (name: string) => {
      const tensor = the(feeds[name]);
      return { ...tensor, data: tensor.data.map((value, i) => (Math.floor(i / 3) % 4 === 3 ? 50 * value : value)) };
    };
    const after = evaluate(graph, { ...feeds, k: changed('k'), v: changed('v') });
    const rowOf = (i: number): number => Math.floor(i / 3) % 4;
    const differs = the(at['context']).data.map((value, i) => Number(the(after['context']).data[i] !== value));
    expect(differs.some((other, i) => other === 1 && rowOf(i) === 3)).toBe(true);
    expect(differs.every((other, i) => other === 0 || rowOf(i) === 3)).toBe(true);
    const cotangent = the(feeds['cotangent']);
    const firstOnly = {
      ...cotangent,
      data: cotangent.data.map((value, i) => (Math.floor(i / 3) % 4 === 0 ? value : 0)),
    };
    const gradients = evaluate(graph, { ...feeds, cotangent: firstOnly });
    for (const name of ['grad:k', 'grad:v'])
      expect(the(gradients[name]).data.every((value, i) => value === 0 || rowOf(i) === 0)).toBe(true);
    expect(the(gradients['grad:v']).data.some((value) => value !== 0)).toBe(true);
  });
});
