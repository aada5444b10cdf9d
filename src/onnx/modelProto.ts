import { onnx } from 'onnx-proto';
import type { DType, Tensor } from '../ports/tensorRuntime';
import type { Attribute, Graph, Value } from './graph';
import { dtypeCode, opTable } from './opTable';
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

const encodeGraph = (graph: Graph): onnx.IGraphProto => ({
  name: graph.name,
  input: graph.inputs.map(encodeValue),
  output: graph.outputs.map(encodeValue),
  initializer: graph.constants.flatMap((v) => (v.constant === undefined ? [] : [encodeTensor(v.name, v.constant)])),
  node: graph.nodes.map((node) => ({
    name: node.name,
    opType: node.op,
    input: node.inputs.map((v) => v.name),
    output: node.outputs.map((v) => v.name),
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
  })),
});

/** The newest opset that any node asks for, Loop bodies included. */
const newestOp = (graph: Graph): number =>
  graph.nodes.reduce((newest, { op, attributes }) => {
    const bodies = Object.values(attributes).map((a) =>
      typeof a === 'object' && 'graph' in a ? newestOp(a.graph) : 0,
    );
    return Math.max(newest, opTable[op].since, ...bodies);
  }, 0);

/** The graph as ONNX bytes, verified first. The same graph always gives the same bytes. */
export const encodeModel = (graph: Graph): Uint8Array => {
  verifyGraph(graph);
  const newest = newestOp(graph);
  if (newest > opset) throw new Error(`an op needs opset ${newest}, the model declares ${opset}`);
  return onnx.ModelProto.encode({
    irVersion,
    producerName: 'tripost',
    opsetImport: [{ domain: '', version: opset }],
    graph: encodeGraph(graph),
  }).finish();
};
