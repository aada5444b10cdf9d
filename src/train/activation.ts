import type { GraphBuilder, Value } from '../onnx/graph';
import { add, mul, sub } from '../onnx/ops';

/** silu(x) = x σ(x), with the gradient σ (1 + x - silu): one product less than by its parts. Ramachandran et al. 2017. */
export const silu = (b: GraphBuilder, x: Value): Value => {
  let sigmoid: Value | undefined;
  const [y] = b.region(
    [x],
    () => {
      const s = b.one('Sigmoid', [x]);
      sigmoid = s;
      return [mul(b, x, s)];
    },
    ([out]) => ({
      vjp: ([grad]) => {
        const s = sigmoid;
        if (s === undefined || out === undefined || grad === undefined) throw new Error('no gradient arrives');
        return [() => mul(b, grad, mul(b, s, add(b, sub(b, x, out), b.scalar(x.dtype, 1))))];
      },
    }),
  );
  if (y === undefined) throw new Error('silu has one output');
  return y;
};
