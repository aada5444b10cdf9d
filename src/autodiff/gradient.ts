import { GraphError, sizeOf, staticShape, type GraphBuilder, type Node, type Region, type Value } from '../onnx/graph';
import { add, gather, reshape, scale } from '../onnx/ops';
import type { Contribution } from './rule';
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
 * and the loss are visited; regions are visited as one. Throws GraphError for an operator without a rule on that path,
 * and for a `wrt` that the loss does not depend on.
 */
export const gradient = (b: GraphBuilder, loss: Value, wrt: readonly Value[]): readonly Value[] => {
  if (loss.shape.length !== 0) throw new GraphError(loss.name, `a loss is a scalar, got [${loss.shape.join(', ')}]`);
  const sweep = new Sweep(b, wrt);
  sweep.begin(loss, b.scalar(loss.dtype, 1));
  b.scope('grad', () => sweep.back(0, b.nodes.length));
  return wrt.map((value) => {
    const grad = sweep.gradientOf(value);
    if (grad === undefined) throw new GraphError(value.name, 'the loss does not depend on this value');
    return grad;
  });
};

class Sweep {
  private readonly grads = new Map<string, Value>();
  private readonly depends: Set<string>;

  constructor(
    private readonly b: GraphBuilder,
    wrt: readonly Value[],
  ) {
    this.depends = new Set(wrt.map((value) => value.name));
    this.follow(0, b.nodes.length);
  }

  begin(value: Value, grad: Value): void {
    this.grads.set(value.name, grad);
  }

  gradientOf(value: Value): Value | undefined {
    return this.grads.get(value.name);
  }

  /** Notes which outputs of these nodes depend on what is differentiated. */
  private follow(from: number, to: number): void {
    for (const node of this.b.nodes.slice(from, to))
      if (verdicts[node.op] !== 'noGradient' && readsOf(node).some((name) => this.depends.has(name)))
        for (const output of node.outputs) this.depends.add(output.name);
  }

  /** Carries gradients through the nodes [from, to), the last first. */
  back(from: number, to: number): void {
    const nodes = this.b.nodes.slice(from, to);
    // The outermost region that ends at a place: regions in it are part of it, and were marked before it.
    const regions = new Map<number, Region>();
    for (const region of this.b.regions) {
      const known = regions.get(region.to);
      if (region.from >= from && region.to <= to && (known === undefined || region.from <= known.from))
        regions.set(region.to, region);
    }
    for (let at = to; at > from; ) {
      const region = regions.get(at);
      if (region !== undefined && region.from < at) {
        this.throughRegion(region);
        at = region.from;
      } else {
        at--;
        const node = nodes[at - from];
        if (node !== undefined) this.throughNode(node);
      }
    }
  }

  private throughNode(node: Node): void {
    const arriving = node.outputs.map((output) => this.grads.get(output.name));
    if (arriving.every((grad) => grad === undefined) || !readsOf(node).some((name) => this.depends.has(name))) return;
    const verdict = verdicts[node.op];
    if (verdict === 'noGradient') return;
    if (verdict === 'refuse') throw new GraphError(node.name, `no gradient rule for ${node.op}`);
    this.accumulate(node.name, node.op, node.inputs, verdict.rule.vjp(this.b, node, arriving));
  }

  private throughRegion({ from: start, to: end, inputs, outputs, backward }: Region): void {
    const given = new Set(outputs.map(({ name }) => name));
    for (const { name } of this.b.nodes.slice(start, end).flatMap((node) => node.outputs))
      if (!given.has(name) && this.grads.has(name))
        throw new GraphError(name, 'read outside its region, but no output of it: its gradient would be lost');
    const arriving = outputs.map((output) => this.grads.get(output.name));
    const first = arriving.find((grad) => grad !== undefined);
    if (first === undefined) return;
    const name = outputs[0]?.name ?? 'region';
    if ('vjp' in backward) return this.accumulate(name, 'region', inputs, backward.vjp(arriving));
    const from = this.b.nodes.length;
    const again = inputs.map((input) => tied(this.b, input, first));
    for (const [i, value] of again.entries()) if (this.depends.has(inputs[i]?.name ?? '')) this.depends.add(value.name);
    const rebuilt = backward.rebuild(again);
    const to = this.b.nodes.length;
    this.follow(from, to);
    rebuilt.forEach((value, i) => {
      const grad = arriving[i];
      if (grad !== undefined) this.begin(value, grad);
    });
    this.back(from, to);
  }

  private accumulate(
    name: string,
    what: string,
    inputs: readonly Value[],
    contributions: readonly Contribution[],
  ): void {
    if (contributions.length !== inputs.length)
      throw new GraphError(name, `${what}'s rule gives ${contributions.length} gradients for ${inputs.length} inputs`);
    inputs.forEach((input, i) => {
      const one = contributions[i];
      if (one === null || one === undefined || !this.depends.has(input.name)) return;
      const before = this.grads.get(input.name);
      const now = sumOf(this.b, one, before);
      if (now.shape.join() !== input.shape.join())
        throw new GraphError(
          name,
          `gradient of input ${i} is [${now.shape.join()}], the input is [${input.shape.join()}]`,
        );
      this.grads.set(input.name, now);
    });
  }
}

const sumOf = (b: GraphBuilder, one: NonNullable<Contribution>, before: Value | undefined): Value => {
  if (typeof one === 'function') return before === undefined ? one() : add(b, before, one());
  return before === undefined ? one.alone() : one.onto(before);
};

/**
 * A value that equals `x` and can only be computed once `grad` is there: x + 0 · grad[0]. Without it the runtime may
 * compute what is rebuilt early, or find that it has it already, and keep it in memory after all.
 */
const tied = (b: GraphBuilder, x: Value, grad: Value): Value => {
  const first = gather(b, reshape(b, grad, [sizeOf(staticShape(grad))]), b.scalar('int64', 0), 0);
  return add(b, x, scale(b, first, 0));
};
