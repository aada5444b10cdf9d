import type { DType } from '../../src/ports/tensorRuntime';
import type { OpName } from '../../src/onnx/opTable';
import { broadcastDims, broadcastTo, eachElement, flatOf, sizeOf, tabulate, type PlainTensor } from './plainTensor';
import {
  compress,
  concat,
  gather,
  gatherElements,
  oneHot,
  reshape,
  scatterElements,
  scatterND,
  split,
  topK,
} from './referenceIndexing';
import { floatOf, get, intOf, positive, type Kernel } from './referenceKernel';

const map =
  (f: (x: number) => number): Kernel =>
  (inputs) => {
    const { dtype, dims, data } = get(inputs, 0);
    return [{ dtype, dims, data: data.map(f) }];
  };

const zip =
  (f: (x: number, y: number) => number, result?: DType): Kernel =>
  (inputs) => {
    const [x, y] = [get(inputs, 0), get(inputs, 1)];
    const dims = broadcastDims(x.dims, y.dims);
    const [left, right] = [broadcastTo(x, dims), broadcastTo(y, dims)];
    return [{ dtype: result ?? x.dtype, dims, data: left.map((v, i) => f(v, right[i] ?? Number.NaN)) }];
  };

/** out[i, j] = Σ a(i, k) b(k, j) for one pair of matrices. */
const product = (
  [m, inner, n]: readonly [number, number, number],
  a: (i: number, k: number) => number | undefined,
  b: (k: number, j: number) => number | undefined,
  out: Float64Array,
): void => {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (a(i, k) ?? Number.NaN) * (b(k, j) ?? Number.NaN);
      out[i * n + j] = sum;
    }
};

const matMul: Kernel = (inputs) => {
  const [a, b] = [get(inputs, 0), get(inputs, 1)];
  const [m, inner, n] = [a.dims.at(-2) ?? 1, a.dims.at(-1) ?? 1, b.dims.at(-1) ?? 1];
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  const [left, right] = [broadcastTo(a, [...batch, m, inner]), broadcastTo(b, [...batch, inner, n])];
  const data = new Float64Array(sizeOf(batch) * m * n);
  for (let at = 0; at < sizeOf(batch); at++)
    product(
      [m, inner, n],
      (i, k) => left[(at * m + i) * inner + k],
      (k, j) => right[(at * inner + k) * n + j],
      data.subarray(at * m * n, (at + 1) * m * n),
    );
  return [{ dtype: a.dtype, dims: [...batch, m, n], data }];
};

const gemm: Kernel = (inputs, attributes) => {
  const [a, b] = [get(inputs, 0), get(inputs, 1)];
  const [transA, transB] = [intOf(attributes, 'transA', 0) === 1, intOf(attributes, 'transB', 0) === 1];
  const [aRows = 1, aColumns = 1] = a.dims;
  const [bRows = 1, bColumns = 1] = b.dims;
  const [m, inner, n] = [transA ? aColumns : aRows, transA ? aRows : aColumns, transB ? bRows : bColumns];
  const data = new Float64Array(m * n);
  product(
    [m, inner, n],
    (i, k) => a.data[transA ? k * aColumns + i : i * aColumns + k],
    (k, j) => b.data[transB ? j * bColumns + k : k * bColumns + j],
    data,
  );
  return [{ dtype: a.dtype, dims: [m, n], data }];
};

const transpose: Kernel = (inputs, attributes) => {
  const x = get(inputs, 0);
  const perm = attributes['perm'];
  if (!Array.isArray(perm)) throw new Error('perm is missing');
  const axes = perm as readonly number[];
  const dims = axes.map((axis) => x.dims[axis] ?? 1);
  return [
    tabulate(x.dtype, dims, (at) => {
      const source = dims.map(() => 0);
      axes.forEach((axis, i) => (source[axis] = at[i] ?? 0));
      return x.data[flatOf(source, x.dims)] ?? Number.NaN;
    }),
  ];
};

const reduce =
  (mean: boolean, term: (x: number) => number = (x) => x): Kernel =>
  (inputs, attributes) => {
    const x = get(inputs, 0);
    const given = Array.from(get(inputs, 1).data, (axis) => positive(axis, x.dims.length));
    const axes = new Set(given.length === 0 ? x.dims.keys() : given);
    const kept = x.dims.map((dim, i) => (axes.has(i) ? 1 : dim));
    const data = new Float64Array(sizeOf(kept));
    eachElement(x.dims, (at, flat) => {
      const target = flatOf(
        at.map((c, i) => (axes.has(i) ? 0 : c)),
        kept,
      );
      data[target] = (data[target] ?? 0) + term(x.data[flat] ?? 0);
    });
    const count = mean ? sizeOf(x.dims) / sizeOf(kept) : 1;
    const dims = intOf(attributes, 'keepdims', 1) === 1 ? kept : x.dims.filter((_, i) => !axes.has(i));
    return [{ dtype: x.dtype, dims, data: data.map((sum) => sum / count) }];
  };

/** Runs `f` on every line along an axis and puts the results back in place. */
const alongAxis = (x: PlainTensor, axis: number, f: (line: readonly number[]) => readonly number[]): PlainTensor => {
  const size = x.dims[axis] ?? 1;
  const inner = sizeOf(x.dims.slice(axis + 1));
  const data = new Float64Array(x.data.length);
  for (let start = 0; start < x.data.length; start += size * inner)
    for (let offset = start; offset < start + inner; offset++) {
      const line = Array.from({ length: size }, (_, k) => x.data[offset + k * inner] ?? Number.NaN);
      f(line).forEach((value, k) => (data[offset + k * inner] = value));
    }
  return { dtype: x.dtype, dims: x.dims, data };
};

const logSoftmaxLine = (line: readonly number[]): number[] => {
  const max = Math.max(...line);
  const logSum = max + Math.log(line.reduce((sum, v) => sum + Math.exp(v - max), 0));
  return line.map((v) => v - logSum);
};

const logSoftmax: Kernel = (inputs, attributes) => {
  const x = get(inputs, 0);
  return [alongAxis(x, positive(intOf(attributes, 'axis', -1), x.dims.length), logSoftmaxLine)];
};

const softmaxCrossEntropyLoss: Kernel = (inputs) => {
  const [logits, targets] = [get(inputs, 0), get(inputs, 1)];
  const logProb = alongAxis(logits, 1, logSoftmaxLine);
  const loss = tabulate(logits.dtype, targets.dims, ([row = 0]) => {
    const target = targets.data[row] ?? Number.NaN;
    return -(logProb.data[row * (logits.dims[1] ?? 1) + target] ?? Number.NaN);
  });
  return [loss, logProb];
};

const where: Kernel = (inputs) => {
  const [condition, x, y] = [get(inputs, 0), get(inputs, 1), get(inputs, 2)];
  const dims = broadcastDims(condition.dims, x.dims, y.dims);
  const [taken, other] = [broadcastTo(x, dims), broadcastTo(y, dims)];
  const choose = (c: number, i: number): number => (c === 0 ? other[i] : taken[i]) ?? Number.NaN;
  return [{ dtype: x.dtype, dims, data: broadcastTo(condition, dims).map(choose) }];
};

const dtypeOfCode: Readonly<Record<number, DType>> = { 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool', 11: 'float64' };

/** Only the label changes between float types: rounding is what this runtime is there to avoid. */
const cast: Kernel = (inputs, attributes) => {
  const x = get(inputs, 0);
  const dtype = dtypeOfCode[intOf(attributes, 'to', 0)];
  if (dtype === undefined) throw new Error('unknown target type');
  const convert = {
    float32: Number,
    float64: Number,
    int32: Math.trunc,
    int64: Math.trunc,
    bool: (v: number) => +(v !== 0),
  };
  return [{ dtype, dims: x.dims, data: x.data.map((v) => convert[dtype](v)) }];
};

const cumSum: Kernel = (inputs, attributes) => {
  const x = get(inputs, 0);
  const axis = positive(get(inputs, 1).data[0] ?? Number.NaN, x.dims.length);
  return [
    alongAxis(x, axis, (line) => {
      let sum = 0;
      const upTo = line.map((v) => (sum += v));
      return intOf(attributes, 'exclusive', 0) === 1 ? [0, ...upTo.slice(0, -1)] : upTo;
    }),
  ];
};

const simplifiedLayerNormalization: Kernel = (inputs, attributes) => {
  const [x, weight] = [get(inputs, 0), get(inputs, 1)];
  const epsilon = floatOf(attributes, 'epsilon');
  const width = x.dims[x.dims.length - 1] ?? 1;
  const factors = Array.from({ length: x.data.length / width }, (_, row) => {
    const squares = x.data.slice(row * width, (row + 1) * width).reduce((sum, value) => sum + value * value, 0);
    return 1 / Math.sqrt(squares / width + epsilon);
  });
  const data = x.data.map((value, i) => value * (factors[Math.floor(i / width)] ?? 0) * (weight.data[i % width] ?? 0));
  return [
    { dtype: x.dtype, dims: x.dims, data },
    { dtype: x.dtype, dims: [...x.dims.slice(0, -1), 1], data: Float64Array.from(factors) },
  ];
};

const skipSimplifiedLayerNormalization: Kernel = (inputs, attributes) => {
  const [x, skip, weight] = [get(inputs, 0), get(inputs, 1), get(inputs, 2)];
  const sum = { ...x, data: x.data.map((value, i) => value + (skip.data[i] ?? Number.NaN)) };
  return [...simplifiedLayerNormalization([sum, weight], attributes).slice(0, 1), sum];
};

const rotaryEmbedding: Kernel = (inputs, attributes) => {
  const [x, positions, cos, sin] = [get(inputs, 0), get(inputs, 1), get(inputs, 2), get(inputs, 3)];
  const half = cos.dims[1] ?? 1;
  const heads = intOf(attributes, 'num_heads', 0);
  const byHead = x.dims.length === 4;
  const length = (byHead ? x.dims[2] : x.dims[1]) ?? 1;
  if ((x.dims[0] ?? 1) * heads * length * 2 * half !== x.data.length) throw new Error('num_heads does not fit');
  const data = x.data.map((value, i) => {
    const vector = Math.floor(i / (2 * half));
    // [B, heads, T, d] has the tokens of a head together, [B, T, heads · d] the heads of a token.
    const token = byHead
      ? Math.floor(vector / (heads * length)) * length + (vector % length)
      : Math.floor(vector / heads);
    const row = (positions.data[token] ?? 0) * half;
    const place = i % (2 * half);
    const turned = place < half ? -(x.data[i + half] ?? 0) : (x.data[i - half] ?? 0);
    return value * (cos.data[row + (place % half)] ?? 0) + turned * (sin.data[row + (place % half)] ?? 0);
  });
  return [{ dtype: x.dtype, dims: x.dims, data }];
};

/** Every operator but Loop, which needs the interpreter itself. */
export const kernels: Readonly<Record<Exclude<OpName, 'Loop'>, Kernel>> = {
  Identity: map((x) => x),
  Add: zip((x, y) => x + y),
  Sub: zip((x, y) => x - y),
  Mul: zip((x, y) => x * y),
  Div: zip((x, y) => x / y),
  Min: zip(Math.min),
  Neg: map((x) => -x),
  Sqrt: map(Math.sqrt),
  Exp: map(Math.exp),
  Sigmoid: map((x) => 1 / (1 + Math.exp(-x))),
  MatMul: matMul,
  Gemm: gemm,
  Reshape: reshape,
  Transpose: transpose,
  Expand: (inputs) => {
    const x = get(inputs, 0);
    const dims = broadcastDims(x.dims, Array.from(get(inputs, 1).data));
    return [{ dtype: x.dtype, dims, data: broadcastTo(x, dims) }];
  },
  ReduceSum: reduce(false),
  ReduceSumSquare: reduce(false, (x) => x * x),
  ReduceMean: reduce(true),
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  SkipSimplifiedLayerNormalization: skipSimplifiedLayerNormalization,
  RotaryEmbedding: rotaryEmbedding,
  Softmax: (inputs, attributes) => logSoftmax(inputs, attributes).map((y) => ({ ...y, data: y.data.map(Math.exp) })),
  LogSoftmax: logSoftmax,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
  Gather: gather,
  GatherElements: gatherElements,
  Compress: compress,
  ScatterND: scatterND,
  ScatterElements: scatterElements,
  OneHot: oneHot,
  Concat: concat,
  Split: split,
  Where: where,
  Cast: cast,
  Less: zip((x, y) => +(x < y), 'bool'),
  Equal: zip((x, y) => +(x === y), 'bool'),
  Or: zip((x, y) => +(x !== 0 || y !== 0), 'bool'),
  TopK: topK,
  CumSum: cumSum,
};
