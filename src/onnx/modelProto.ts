import { onnx } from 'onnx-proto';
import type { DType, Tensor } from '../ports/tensorRuntime';
import type { Attribute, Graph, Node, Value } from './graph';
import type { OpRow } from './inference';
import { dtypeCode, opTable, type OpName } from './opTable';
import { verifyGraph } from './verifyGraph';

/** The operator set and the file format version that every graph declares. */
export const opset = 21;
const irVersion = 10;

const bytesOf = (data: Tensor['data']): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const encodeTensor = (name: string, tensor: Tensor): onnx.ITensorProto => ({
  name,
  dims: [...tensor.dims],
  dataType: dtypeCode[tensor.dtype],
  rawData: bytesOf(tensor.data),
});

const encodeValue = (value: {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Value['shape'];
}): onnx.IValueInfoProto => ({
  name: value.name,
  type: {
    tensorType: {
      elemType: dtypeCode[value.dtype],
      shape: { dim: value.shape.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
    },
  },
});

const encodeAttribute = (name: string, value: Attribute): onnx.IAttributeProto => {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: Buffer.from(value) };
  if (!('length' in value)) {
    if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
    return { name, type: AttributeType.GRAPH, g: encodeGraph(value.graph) };
  }
  return { name, type: AttributeType.INTS, ints: [...value] };
};

/** The names of a node's outputs; those that are left out are nameless. */
const outputNames = ({ op, outputs }: Node): string[] => {
  const names = outputs.map((v) => v.name);
  const { outputs: places } = rowOf(op);
  if (places === undefined) return names;
  return Array.from({ length: Math.max(...places) + 1 }, (_, i) => names[places.indexOf(i)] ?? '');
};

const encodeGraph = (graph: Graph): onnx.IGraphProto => ({
  name: graph.name,
  input: graph.inputs.map(encodeValue),
  output: graph.outputs.map(encodeValue),
  initializer: graph.constants.flatMap((v) => (v.constant === undefined ? [] : [encodeTensor(v.name, v.constant)])),
  node: graph.nodes.map((node) => ({
    name: node.name,
    opType: node.op,
    ...domainOf(node.op),
    input: node.inputs.map((v) => v.name),
    output: outputNames(node),
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
  })),
});

const rowOf = (op: OpName): OpRow => opTable[op];

const domainOf = (op: OpName): { readonly domain?: string } => {
  const { domain } = rowOf(op);
  return domain === undefined ? {} : { domain };
};

/** Every operator of a graph, Loop bodies included. */
const opsOf = (graph: Graph): readonly OpName[] =>
  graph.nodes.flatMap(({ op, attributes }) => [
    op,
    ...Object.values(attributes).flatMap((a) => (typeof a === 'object' && 'graph' in a ? opsOf(a.graph) : [])),
  ]);

/** The newest version that any operator of a domain asks for; 0 where there is none. */
const newestOp = (ops: readonly OpName[], domain: OpRow['domain']): number =>
  Math.max(0, ...ops.map(rowOf).flatMap((row) => (row.domain === domain ? [row.since] : [])));

/** The graph as ONNX bytes, verified first. The same graph always gives the same bytes. */
export const encodeModel = (graph: Graph): Uint8Array => {
  verifyGraph(graph);
  const ops = [...new Set(opsOf(graph))];
  const newest = newestOp(ops, undefined);
  const contributed = newestOp(ops, 'com.microsoft');
  if (newest > opset) throw new Error(`an op needs opset ${newest}, the model declares ${opset}`);
  return onnx.ModelProto.encode({
    irVersion,
    producerName: 'tripost',
    opsetImport: [
      { domain: '', version: opset },
      ...(contributed > 0 ? [{ domain: 'com.microsoft', version: contributed }] : []),
    ],
    graph: encodeGraph(graph),
  }).finish();
};
