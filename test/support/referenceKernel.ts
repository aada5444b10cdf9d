import type { Attributes } from '../../src/onnx/graph';
import type { PlainTensor } from './plainTensor';

/** What one operator computes, by plain loops in double, written from the ONNX text and not from src. */
export type Kernel = (inputs: readonly PlainTensor[], attributes: Attributes) => readonly PlainTensor[];

export const get = (inputs: readonly PlainTensor[], i: number): PlainTensor => {
  const tensor = inputs[i];
  if (tensor === undefined) throw new Error(`input ${i} is missing`);
  return tensor;
};

export const intOf = (attributes: Attributes, name: string, otherwise: number): number => {
  const value = attributes[name] ?? otherwise;
  if (typeof value !== 'number') throw new Error(`the attribute ${name} is not an integer`);
  return value;
};

export const floatOf = (attributes: Attributes, name: string): number => {
  const value = attributes[name];
  if (typeof value !== 'object' || !('float' in value)) throw new Error(`the attribute ${name} is not a float`);
  return value.float;
};

/** An axis or index counted from the start. */
export const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
