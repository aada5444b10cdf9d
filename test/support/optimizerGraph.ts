import { GraphBuilder, type Graph } from '../../src/onnx/graph';
import { adamWUpdate, clipNodes, scalarNodes, sumOfSquares, type AdamW } from '../../src/train/adamW';
import type { Slot } from '../../src/train/layout';
import { momentInput, newState, varianceInput } from '../../src/train/loopGraph';
import { gradientOutput } from '../../src/train/trainGraph';
import { parameterInput } from '../../src/train/transformer';

/**
 * Clipping and AdamW as nodes: feeds `param:`, `m:`, `v:` and `grad:` of every slot, and spread, rate and decay (scalars);
 * fetches gradNorm, clip and every state tensor under `new:`.
 */
export const optimizerGraph = (config: AdamW, slots: readonly Slot[]): Graph => {
  const b = new GraphBuilder('optimizer');
  const [spread, rate, decay] = [
    b.input('spread', 'float32', []),
    b.input('rate', 'float32', []),
    b.input('decay', 'float32', []),
  ];
  const gradients = slots.map(({ name, dims }) => b.input(gradientOutput(name), 'float32', dims));
  const squares = slots.flatMap(({ size }, i) => {
    const gradient = gradients[i];
    return gradient === undefined ? [] : [sumOfSquares(b, gradient, size)];
  });
  const { norm, factor } = clipNodes(b, squares, config.clipNorm);
  b.output('gradNorm', norm);
  b.output('clip', factor);
  const at = { ...scalarNodes(b, config, factor), spread, rate, decay };
  slots.forEach((slot, i) => {
    const gradient = gradients[i];
    if (gradient === undefined) return;
    const { name, dims } = slot;
    const inputs = { value: parameterInput(name), m: momentInput(name), v: varianceInput(name) };
    const value = b.input(inputs.value, 'float32', dims);
    const [m, v] = [b.input(inputs.m, 'float32', dims), b.input(inputs.v, 'float32', dims)];
    const next = adamWUpdate(b, config, slot, { value, m, v }, gradient, at);
    b.output(newState(inputs.value), next.value);
    b.output(newState(inputs.m), next.m);
    b.output(newState(inputs.v), next.v);
  });
  return b.build();
};
