import type { DType } from '../ports/tensorRuntime';
import type { Graph, Node, Value } from './graph';
import type { OpName } from './opTable';

/** Where the table below comes from. */
export const cudaKernelSource = {
  runtime: 'ONNX Runtime 1.30',
  document: 'microsoft/onnxruntime, docs/OperatorKernels.md, operators implemented by CUDAExecutionProvider',
} as const;

/** What CUDA has for an operator at the opset that we declare. */
export interface CudaKernel {
  /** Types that each input may have, by place; the last one stands for all that follow. */
  readonly inputs: readonly (readonly DType[])[];
  /** It has no kernel of its own: ONNX defines it by these, and the runtime puts them in its place before it divides the graph. */
  readonly madeOf?: readonly string[];
  /** What it does not promise although deterministic kernels are asked for. */
  readonly caution?: string;
}

const all: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'bool'];
const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'int64'];
const floats: readonly DType[] = ['float32', 'float64'];
const indices: readonly DType[] = ['int32', 'int64'];
const int64: readonly DType[] = ['int64'];
const bool: readonly DType[] = ['bool'];

/**
 * The kernels of ONNX Runtime's CUDA provider, for the types that tripost has; an operator without an entry does not
 * compile. A type that is missing here means that the runtime puts the node on the CPU and copies its tensors there and
 * back, once a run. To add an operator, look up its row in the document that `cudaKernelSource` names.
 */
export const cudaKernels: Readonly<Record<OpName, CudaKernel>> = {
  Identity: { inputs: [all] },
  Add: { inputs: [numeric] },
  Sub: { inputs: [numeric] },
  Mul: { inputs: [numeric] },
  Div: { inputs: [numeric] },
  Min: { inputs: [numeric] },
  Neg: { inputs: [numeric] },
  Sqrt: { inputs: [floats] },
  Exp: { inputs: [floats] },
  Sigmoid: { inputs: [floats] },
  MatMul: { inputs: [floats] },
  Gemm: { inputs: [floats] },
  Reshape: { inputs: [all, int64] },
  Transpose: { inputs: [all] },
  Expand: { inputs: [all, int64] },
  ReduceSum: { inputs: [numeric, int64] },
  ReduceSumSquare: { inputs: [floats, int64] },
  ReduceMean: { inputs: [['float32', 'float64', 'int32'], int64] },
  SimplifiedLayerNormalization: { inputs: [floats] },
  SkipSimplifiedLayerNormalization: { inputs: [['float32']] },
  RotaryEmbedding: { inputs: [['float32'], int64, ['float32']] },
  Softmax: { inputs: [floats] },
  LogSoftmax: { inputs: [floats] },
  SoftmaxCrossEntropyLoss: {
    inputs: [floats, indices],
    madeOf: ['Reshape', 'Transpose', 'LogSoftmax', 'Shape', 'Unsqueeze', 'GatherElements', 'Neg', 'Slice', 'Squeeze'],
  },
  Gather: { inputs: [all, indices] },
  GatherElements: { inputs: [all, indices] },
  Compress: { inputs: [all, bool] },
  ScatterND: { inputs: [all, int64, all] },
  ScatterElements: { inputs: [all, indices, all] },
  OneHot: { inputs: [indices, indices, ['float32', 'int64']] },
  Concat: { inputs: [all] },
  Split: { inputs: [all, int64] },
  Where: { inputs: [bool, numeric] },
  Cast: { inputs: [all] },
  Less: { inputs: [numeric] },
  Equal: { inputs: [all] },
  Or: { inputs: [bool] },
  TopK: { inputs: [numeric, int64], caution: 'the order of equal values, where a row has more than 256' },
  CumSum: { inputs: [numeric, indices] },
  // Trip count and condition stay in the memory of the CPU, where the turns are counted; the body runs on the card.
  Loop: { inputs: [int64, bool, all] },
};

/** A node that CUDA has no kernel for. */
export interface CpuNode {
  readonly name: string;
  readonly op: OpName;
  /** The first input whose type has no kernel: its place, and the type. */
  readonly input: number;
  readonly dtype: DType;
}

export interface Partition {
  /** Nodes of the graph and of the bodies in it. */
  readonly nodes: number;
  readonly onCpu: readonly CpuNode[];
  /** Operators in the graph that leave something open, with what. */
  readonly cautions: ReadonlyMap<OpName, string>;
}

const bodiesOf = ({ attributes }: Node): readonly Graph[] =>
  Object.values(attributes).flatMap((attribute) =>
    typeof attribute === 'object' && 'graph' in attribute ? [attribute.graph] : [],
  );

const unsupported = ({ inputs: allowed }: CudaKernel, inputs: readonly Value[]): number =>
  inputs.findIndex(({ dtype }, place) => !(allowed[place] ?? allowed[allowed.length - 1] ?? []).includes(dtype));

/**
 * Which nodes of a graph would run on the CPU although CUDA was asked for, without a card: by the table above, Loop
 * bodies included. No node is left out of account: shapes are constants in our graphs, so none of them computes a shape,
 * which is the one kind that the runtime keeps on the CPU by choice.
 */
export const partitionOf = (graph: Graph): Partition => {
  const onCpu: CpuNode[] = [];
  const cautions = new Map<OpName, string>();
  let nodes = 0;
  for (const node of graph.nodes) {
    nodes += 1;
    const { name, op, inputs } = node;
    const kernel = cudaKernels[op];
    const input = unsupported(kernel, inputs);
    const dtype = inputs[input]?.dtype;
    if (dtype !== undefined) onCpu.push({ name, op, input, dtype });
    if (kernel.caution !== undefined) cautions.set(op, kernel.caution);
    for (const body of bodiesOf(node)) {
      const inner = partitionOf(body);
      nodes += inner.nodes;
      onCpu.push(...inner.onCpu);
      for (const [inside, caution] of inner.cautions) cautions.set(inside, caution);
    }
  }
  return { nodes, onCpu, cautions };
};
