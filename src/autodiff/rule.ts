import { staticShape, type GraphBuilder, type Node, type Value } from '../onnx/graph';
import { reduceSum, reshape } from '../onnx/ops';
import type { OpName } from '../onnx/opTable';

/** A gradient that is only built when somebody asks for it. */
export type Thunk = () => Value;

/**
 * What a node adds to the gradient of one of its inputs: a gradient, or (where only few places of a large input have one)
 * the gradient so far with those places changed. Null where there is nothing to differentiate.
 */
export type Contribution = Thunk | { readonly alone: Thunk; readonly onto: (before: Value) => Value } | null;

/** Shapes (and values, for indices) of one example on which a rule is checked. */
export interface Example {
  readonly inputs: readonly ExampleInput[];
  readonly attributes?: Node['attributes'];
  /** Which inputs to differentiate; all float inputs that are not constants when left out. */
  readonly wrt?: readonly number[];
}

export type ExampleInput =
  /** Random values; `from`..`to` keeps a domain (square roots, divisors) away from its edge. */
  | { readonly shape: readonly number[]; readonly from?: number; readonly to?: number }
  /** A constant integer input. `scalar` gives rank 0. */
  | { readonly ints: readonly number[]; readonly shape?: readonly number[] }
  | { readonly constant: readonly number[] }
  | { readonly bools: readonly number[]; readonly shape: readonly number[] };

/** How one operator's output gradient becomes its inputs' gradients. Shapes are static. */
export interface GradientRule {
  readonly op: OpName;
  /** The opset form that the rule is written for; the registry test ties it to the builder's row. */
  readonly since: number;
  /** One entry per input; null for indices, shapes and conditions. */
  readonly vjp: (b: GraphBuilder, node: Node, grads: readonly (Value | undefined)[]) => readonly Contribution[];
  readonly examples: readonly Example[];
}

/** A verdict on every operator: a rule, no gradient (piecewise constant), or refuse (nobody wrote one). */
export type Verdict = { readonly rule: GradientRule } | 'noGradient' | 'refuse';

/** Sums a gradient over the axes along which its input was broadcast, so that it has the input's shape. */
export const unbroadcast = (b: GraphBuilder, grad: Value, like: Value): Value => {
  const from = staticShape(grad);
  const to = staticShape(like);
  const lead = from.length - to.length;
  const axes = from.flatMap((dim, i) => (i < lead || (to[i - lead] === 1 && dim !== 1) ? [i] : []));
  const summed = axes.length === 0 ? grad : reduceSum(b, grad, axes, true);
  return staticShape(summed).join() === to.join() ? summed : reshape(b, summed, to);
};

export const inputOf = (node: Node, i: number): Value => {
  const value = node.inputs[i];
  if (value === undefined) throw new Error(`${node.op} node "${node.name}" has no input ${i}`);
  return value;
};

export const outputOf = (node: Node, i: number): Value => {
  const value = node.outputs[i];
  if (value === undefined) throw new Error(`${node.op} node "${node.name}" has no output ${i}`);
  return value;
};

/** The gradient of output `i`, which the sweep has found to exist for at least one output of the node. */
export const gradOf = (node: Node, grads: readonly (Value | undefined)[], i = 0): Value => {
  const value = grads[i];
  if (value === undefined) throw new Error(`${node.op} node "${node.name}": no gradient arrives at output ${i}`);
  return value;
};
