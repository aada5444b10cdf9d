import * as E from 'fp-ts/Either';
import type { Graph } from '../../src/onnx/graph';
import { encodeModel } from '../../src/onnx/modelProto';
import type { Program, RuntimeError, Tensor, TensorRuntime } from '../../src/ports/tensorRuntime';

const orThrow = <T>(result: E.Either<RuntimeError, T>): T => {
  if (E.isLeft(result)) throw new Error(`${result.left.tag}: ${result.left.message}`);
  return result.right;
};

export const loadOrThrow = async (runtime: TensorRuntime, graph: Graph): Promise<Program> =>
  orThrow(await runtime.load(encodeModel(graph))());

export const runOrThrow = async (
  program: Program,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> => orThrow(await program.run(feeds)());

/** Loads, runs once and lets go. */
export const runGraph = async (runtime: TensorRuntime, graph: Graph, feeds: Readonly<Record<string, Tensor>>) => {
  const program = await loadOrThrow(runtime, graph);
  try {
    return await runOrThrow(program, feeds);
  } finally {
    await program.release();
  }
};

export const float = (dims: readonly number[], data: ArrayLike<number>): Tensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data),
});

export const int64 = (dims: readonly number[], data: readonly number[]): Tensor => ({
  dtype: 'int64',
  dims,
  data: BigInt64Array.from(data.map(BigInt)),
});

export const numbersOf = (tensors: Readonly<Record<string, Tensor>>, name: string): number[] => {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`no output "${name}"`);
  return Array.from(tensor.data, Number);
};
