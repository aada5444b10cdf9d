import { gradient } from '../../src/autodiff/gradient';
import { GraphBuilder } from '../../src/onnx/graph';
import { mul, sumAll } from '../../src/onnx/ops';
import { silu } from '../../src/train/activation';
import { checkDirections, randomTensor } from '../support/directionalCheck';
import { the } from '../support/events';
import { plain } from '../support/plainTensor';
import { evaluate } from '../support/referenceRuntime';

const graph = (shape: readonly number[]) => {
  const b = new GraphBuilder('silu');
  const x = b.input('x', 'float64', shape);
  const y = silu(b, x);
  const loss = sumAll(b, mul(b, y, b.input('cotangent', 'float64', shape)));
  b.output('grad:x', the(gradient(b, loss, [x])[0]));
  b.output('y', y);
  b.output('loss', loss);
  return b.build();
};

describe('silu', () => {
  it('has the gradient that central differences have', () => {
    for (const seed of [1, 2, 3]) {
      const feeds = {
        x: randomTensor('float64', [3, 4], [seed, 'x'], [-6, 6]),
        cotangent: randomTensor('float64', [3, 4], [seed, 'cotangent']),
      };
      for (const { error } of checkDirections(graph([3, 4]), feeds, ['x'], seed)) expect(error).toBeLessThan(1e-6);
    }
  });

  it('is x σ(x), with σ (1 + x (1 - σ)), on both tails too', () => {
    const x = [-800, -30, -1, 0, 1, 30, 800];
    const got = evaluate(graph([7]), {
      x: plain('float64', [7], x),
      cotangent: plain(
        'float64',
        [7],
        x.map(() => 1),
      ),
    });
    const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
    x.forEach((value, i) => {
      const s = sigmoid(value);
      expect(the(got['y']).data[i]).toBeCloseTo(value * s, 12);
      expect(the(got['grad:x']).data[i]).toBeCloseTo(s * (1 + value * (1 - s)), 12);
    });
  });
});
