import type { DType } from '../ports/tensorRuntime';
import type { Attributes, Dim, Value } from './graph';

// What the rows of the operator table infer shapes and types with.

export type Typed = Pick<Value, 'dtype' | 'shape'>;
export type Refuse = (message: string) => never;

/** One ONNX operator: the opset that defined the form we emit, and what its outputs are. */
export interface OpRow {
  readonly since: number;
  /** Operators that ONNX Runtime adds to the standard ones: `since` is then that domain's version. */
  readonly domain?: 'com.microsoft';
  /** Which of the operator's outputs ours are, where optional ones between them are left out. */
  readonly outputs?: readonly number[];
  readonly infer: (inputs: readonly Value[], attributes: Attributes, refuse: Refuse) => readonly Typed[];
}

export const floats: readonly DType[] = ['float32', 'float64'];

export const at = (inputs: readonly Value[], i: number, refuse: Refuse): Value =>
  inputs[i] ?? refuse(`expected at least ${i + 1} inputs`);

export const integers = (value: Value, refuse: Refuse): readonly number[] => {
  const { constant } = value;
  if (constant === undefined || !(constant.data instanceof BigInt64Array))
    return refuse('expected a constant int64 input');
  return Array.from(constant.data, Number);
};

export const attributeInt = (attributes: Attributes, name: string, refuse: Refuse): number => {
  const value = attributes[name];
  return typeof value === 'number' ? value : refuse(`expected the attribute ${name}`);
};

/** NumPy broadcasting, with names allowed where they are equal. */
export const broadcastShapes = (a: readonly Dim[], b: readonly Dim[], refuse: Refuse): readonly Dim[] => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    return refuse(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`);
  });
};

export const sameType = (inputs: readonly Value[], allowed: readonly DType[], refuse: Refuse): DType => {
  const { dtype } = at(inputs, 0, refuse);
  if (!allowed.includes(dtype)) return refuse(`expected ${allowed.join(' or ')}`);
  if (inputs.some((input) => input.dtype !== dtype)) return refuse('expected inputs of one type');
  return dtype;
};

export const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'int64'];

export const axisOf = (axis: number, rank: number, refuse: Refuse): number => {
  const positive = axis < 0 ? axis + rank : axis;
  return positive >= 0 && positive < rank ? positive : refuse(`axis ${axis} is outside rank ${rank}`);
};
