import { GraphError, type GraphBuilder, type Node, type Value } from '../onnx/graph';
import { add } from '../onnx/ops';
import { verdicts } from './rules';

/** Names that a node reads: its inputs, and what a Loop body takes from the graph around it. */
const readsOf = (node: Node): readonly string[] => [
  ...node.inputs.map(({ name }) => name),
  ...Object.values(node.attributes).flatMap((a) =>
    typeof a === 'object' && 'graph' in a ? a.graph.nodes.flatMap(readsOf) : [],
  ),
];

/**
 * Reverse-mode differentiation: appends to the builder the nodes that compute d loss / d x for every x in `wrt`.
 *
 * loss: a scalar. The result has one value per `wrt`, of the same shape. Contributions to one value are added in the
 * fixed order of the reverse sweep, so the same graph always sums in the same order. Only nodes that lie between `wrt`
 * and the loss are visited. Throws GraphError for an operator without a rule on that path, and for a `wrt` that the
 * loss does not depend on.
 */
export const gradient = (b: GraphBuilder, loss: Value, wrt: readonly Value[]): readonly Value[] => {
  if (loss.shape.length !== 0) throw new GraphError(loss.name, `a loss is a scalar, got [${loss.shape.join(', ')}]`);
  const nodes = [...b.nodes];
  const depends = new Set(wrt.map((value) => value.name));
  for (const node of nodes)
    if (verdicts[node.op] !== 'noGradient' && readsOf(node).some((name) => depends.has(name)))
      for (const output of node.outputs) depends.add(output.name);

  const grads = new Map<string, Value>([[loss.name, b.scalar(loss.dtype, 1)]]);
  b.scope('grad', () => {
    for (const node of nodes.reverse()) {
      const arriving = node.outputs.map((output) => grads.get(output.name));
      if (arriving.every((grad) => grad === undefined) || !readsOf(node).some((name) => depends.has(name))) continue;
      const verdict = verdicts[node.op];
      if (verdict === 'noGradient') continue;
      if (verdict === 'refuse') throw new GraphError(node.name, `no gradient rule for ${node.op}`);
      const thunks = verdict.rule.vjp(b, node, arriving);
      if (thunks.length !== node.inputs.length)
        throw new GraphError(
          node.name,
          `${node.op}'s rule gives ${thunks.length} gradients for ${node.inputs.length} inputs`,
        );
      node.inputs.forEach((input, i) => {
        const thunk = thunks[i];
        if (thunk === null || thunk === undefined || !depends.has(input.name)) return;
        const before = grads.get(input.name);
        const now = thunk();
        if (now.shape.join() !== input.shape.join())
          throw new GraphError(
            node.name,
            `gradient of input ${i} is [${now.shape.join()}], the input is [${input.shape.join()}]`,
          );
        grads.set(input.name, before === undefined ? now : add(b, before, now));
      });
    }
  });
  return wrt.map((value) => {
    const grad = grads.get(value.name);
    if (grad === undefined) throw new GraphError(value.name, 'the loss does not depend on this value');
    return grad;
  });
};
