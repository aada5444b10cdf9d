import * as TE from 'fp-ts/TaskEither';
import type { Graph, Node } from '../../src/onnx/graph';
import type { RuntimeError, Tensor, TensorRuntime } from '../../src/ports/tensorRuntime';
import { decodeModel } from './decodeModel';
import { fromTensor, plain, sizeOf, toTensor, type PlainTensor } from './plainTensor';
import { kernels } from './referenceOps';

type Environment = Map<string, PlainTensor>;

const read = (environment: ReadonlyMap<string, PlainTensor>, name: string): PlainTensor => {
  const tensor = environment.get(name);
  if (tensor === undefined) throw new Error(`nothing gives the value "${name}"`);
  return tensor;
};

/** ONNX Loop: carried values pass from one turn to the next; further outputs of the body are stacked. */
const runLoop = (node: Node, inputs: readonly PlainTensor[], outer: Environment): readonly PlainTensor[] => {
  const body = node.attributes['body'];
  if (typeof body !== 'object' || !('graph' in body)) throw new Error('the body is missing');
  const { graph } = body;
  const turns = inputs[0]?.data[0] ?? 0;
  let condition = inputs[1]?.data[0] ?? 0;
  let carried = inputs.slice(2);
  const scans: PlainTensor[][] = graph.outputs.slice(1 + carried.length).map(() => []);
  for (let turn = 0; turn < turns && condition !== 0; turn++) {
    const given = [plain('int64', [], [turn]), plain('bool', [], [condition]), ...carried];
    const environment = new Map(outer);
    graph.inputs.forEach((input, i) => environment.set(input.name, given[i] ?? read(environment, input.name)));
    runNodes(graph, environment);
    const [next, ...results] = graph.outputs.map((output) => read(environment, output.name));
    condition = next?.data[0] ?? 0;
    scans.forEach((scan, i) => scan.push(...results.slice(carried.length + i, carried.length + i + 1)));
    carried = results.slice(0, carried.length);
  }
  const stacked = scans.map((scan, i): PlainTensor => {
    const declared = graph.outputs[1 + carried.length + i];
    const dims = scan[0]?.dims ?? declared?.shape.map(Number) ?? [];
    const data = scan.flatMap((tensor) => Array.from(tensor.data));
    return plain(declared?.dtype ?? 'float32', [scan.length, ...dims], data);
  });
  return [...carried, ...stacked];
};

const runNodes = (graph: Graph, environment: Environment): void => {
  for (const { name, constant } of graph.constants)
    if (constant !== undefined) environment.set(name, fromTensor(constant));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => read(environment, input.name));
    const outputs = node.op === 'Loop' ? runLoop(node, inputs, environment) : kernels[node.op](inputs, node.attributes);
    node.outputs.forEach((output, i) => {
      const tensor = outputs[i];
      if (tensor === undefined) throw new Error(`${node.op} gave no output ${i}`);
      environment.set(output.name, tensor);
    });
  }
};

/** The nodes that the named outputs need. */
const needed = (graph: Graph, outputs: ReadonlySet<string>): readonly Node[] => {
  const wanted = new Set(outputs);
  const kept = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some(({ name }) => wanted.has(name))) return false;
    for (const name of readsOf(node)) wanted.add(name);
    return true;
  });
  return kept.reverse();
};

/** Names that a node reads; a Loop body also reads the graph around it. */
const readsOf = ({ inputs, attributes }: Node): readonly string[] => [
  ...inputs.map(({ name }) => name),
  ...Object.values(attributes).flatMap((a) =>
    typeof a === 'object' && 'graph' in a ? a.graph.nodes.flatMap(readsOf) : [],
  ),
];

/**
 * Runs a graph in double, whatever float type it declares: the measure for gradient rules (finite differences need
 * double) and for a runtime's kernels. Slow, and independent of ONNX Runtime.
 */
export const evaluate = (
  graph: Graph,
  feeds: Readonly<Record<string, PlainTensor>>,
  outputs: readonly string[] = graph.outputs.map(({ name }) => name),
): Readonly<Record<string, PlainTensor>> => {
  const environment: Environment = new Map();
  for (const { name, dtype, shape } of graph.inputs) {
    const feed = feeds[name];
    if (feed === undefined) throw new Error(`no feed for the input "${name}"`);
    const fits =
      shape.length === feed.dims.length && shape.every((dim, i) => typeof dim === 'string' || dim === feed.dims[i]);
    if (feed.dtype !== dtype || !fits || feed.data.length !== sizeOf(feed.dims))
      throw new Error(
        `the input "${name}" is ${dtype}[${shape.join(', ')}], got ${feed.dtype}[${feed.dims.join(', ')}]`,
      );
    environment.set(name, feed);
  }
  runNodes({ ...graph, nodes: needed(graph, new Set(outputs)) }, environment);
  return Object.fromEntries(outputs.map((name) => [name, read(environment, name)]));
};

/** The tensor, its values in the given buffer where there is one. */
const writtenInto = (target: Tensor | undefined, { dtype, dims, data }: Tensor): Tensor => {
  if (target === undefined) return { dtype, dims, data };
  new Uint8Array(target.data.buffer, target.data.byteOffset, target.data.byteLength).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return target;
};

const message = (error: unknown): string => (error instanceof Error ? error.message : JSON.stringify(error));

/** The interpreter behind the TensorRuntime port: reads the same bytes that ONNX Runtime reads. */
export const referenceRuntime: TensorRuntime = {
  provider: 'reference',
  version: '1',
  load: (model) =>
    TE.tryCatch(
      async () => {
        const graph = decodeModel(model);
        return {
          run: (feeds, into = {}) =>
            TE.tryCatch(
              async () => {
                const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, fromTensor(feed)]));
                const fetched = Object.entries(evaluate(graph, given));
                return Object.fromEntries(
                  fetched.map(([name, tensor]) => [name, writtenInto(into[name], toTensor(tensor))]),
                );
              },
              (error): RuntimeError => ({ tag: 'RunFailed', message: message(error) }),
            ),
          release: () => Promise.resolve(),
        };
      },
      (error): RuntimeError => ({ tag: 'GraphRefused', message: message(error) }),
    ),
};
