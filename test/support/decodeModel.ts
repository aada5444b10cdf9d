import { onnx } from 'onnx-proto';
import type { Attribute, Dim, Graph, Node, Value } from '../../src/onnx/graph';
import { dtypeCode, opTable, type OpName } from '../../src/onnx/opTable';
import { verifyGraph } from '../../src/onnx/verifyGraph';
import type { DType, Tensor } from '../../src/ports/tensorRuntime';

const refuse = (message: string): never => {
  throw new Error(message);
};

const dtypeOf = (code: number | null | undefined): DType => {
  const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'bool'];
  return dtypes.find((dtype) => dtypeCode[dtype] === code) ?? refuse(`unknown element type ${code}`);
};

const isOp = (op: string): op is OpName => Object.hasOwn(opTable, op);

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

const decodeTensor = (proto: onnx.ITensorProto): Tensor => {
  const dtype = dtypeOf(proto.dataType);
  const bytes = Uint8Array.from(proto.rawData ?? []).buffer;
  return { dtype, dims: (proto.dims ?? []).map(Number), data: new arrays[dtype](bytes) };
};

const decodeValue = (proto: onnx.IValueInfoProto): Value => ({
  name: proto.name ?? '',
  dtype: dtypeOf(proto.type?.tensorType?.elemType),
  shape: (proto.type?.tensorType?.shape?.dim ?? []).map(
    (dim): Dim => (dim.dimParam ? dim.dimParam : Number(dim.dimValue)),
  ),
});

const decodeAttribute = (proto: onnx.IAttributeProto, known: ReadonlyMap<string, Value>): Attribute => {
  const { AttributeType } = onnx.AttributeProto;
  if (proto.type === AttributeType.INT) return Number(proto.i);
  if (proto.type === AttributeType.INTS) return (proto.ints ?? []).map(Number);
  if (proto.type === AttributeType.STRING) return Buffer.from(proto.s ?? []).toString();
  if (proto.type === AttributeType.FLOAT) return { float: proto.f ?? 0 };
  if (proto.type === AttributeType.GRAPH && proto.g) return { graph: decodeGraph(proto.g, known) };
  return refuse(`unknown type of the attribute ${proto.name}`);
};

/** Shapes and types of intermediate values are not in the file: they come from the op table again. */
const decodeNode = (proto: onnx.INodeProto, known: Map<string, Value>): Node => {
  const [op, name] = [proto.opType ?? '', proto.name ?? ''];
  if (!isOp(op)) return refuse(`${op} is not a registered operator (node "${name}")`);
  const inputs = (proto.input ?? []).map(
    (input) => known.get(input) ?? refuse(`the node "${name}" reads "${input}", which nothing before it writes`),
  );
  const attributes = Object.fromEntries((proto.attribute ?? []).map((a) => [a.name ?? '', decodeAttribute(a, known)]));
  const inferred = opTable[op].infer(inputs, attributes, (message) => refuse(`${op}: ${message} (node "${name}")`));
  const names = (proto.output ?? []).filter((output) => output !== '');
  const outputs = inferred.map((typed, i) => ({ ...typed, name: names[i] ?? '' }));
  for (const output of outputs) known.set(output.name, output);
  return { op, name, inputs, outputs, attributes };
};

const decodeGraph = (proto: onnx.IGraphProto, outer: ReadonlyMap<string, Value>): Graph => {
  const inputs = (proto.input ?? []).map(decodeValue);
  const constants = (proto.initializer ?? []).map((tensor): Value => {
    const constant = decodeTensor(tensor);
    return { name: tensor.name ?? '', dtype: constant.dtype, shape: constant.dims, constant };
  });
  const known = new Map([...outer, ...[...inputs, ...constants].map((value) => [value.name, value] as const)]);
  const nodes = (proto.node ?? []).map((node) => decodeNode(node, known));
  return { name: proto.name ?? '', inputs, outputs: (proto.output ?? []).map(decodeValue), nodes, constants };
};

/** ONNX bytes back as a graph, checked as src checks it when writing. */
export const decodeModel = (bytes: Uint8Array): Graph => {
  const { graph } = onnx.ModelProto.decode(bytes);
  if (!graph) return refuse('the model has no graph');
  const decoded = decodeGraph(graph, new Map());
  if (decoded.outputs.length === 0) return refuse('the graph has no output');
  verifyGraph(decoded);
  return decoded;
};
