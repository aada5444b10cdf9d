import type { TaskEither } from 'fp-ts/TaskEither';

export type DType = 'float32' | 'float64' | 'int64' | 'int32' | 'bool';

export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;
}

export type RuntimeError =
  /** The runtime refused the graph: an operator it lacks, or an invalid model. */
  | { readonly tag: 'GraphRefused'; readonly message: string }
  | { readonly tag: 'RunFailed'; readonly message: string }
  /** Memory was refused: to the runtime, or to a thread that it runs in, of which so many held a copy of the model. */
  | { readonly tag: 'OutOfMemory'; readonly message: string; readonly copies?: number };

/** What ONNX Runtime, CUDA, the C++ library and V8 say when they are refused memory. */
const noMemory =
  /failed to allocate memory|bad_alloc|bad allocation|array buffer allocation failed|out of memory|memory limit|alloc_failed/i;

/** A failure with this message: out of memory where it says so, else of the tag given. */
export const runtimeError = (tag: 'GraphRefused' | 'RunFailed', message: string): RuntimeError => ({
  tag: noMemory.test(message) ? 'OutOfMemory' : tag,
  message,
});

/** A loaded graph. */
export interface Program {
  /**
   * Fetches every output. An output that `into` names is written to that tensor's buffer, which no feed may share;
   * the others get buffers of their own.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    into?: Readonly<Record<string, Tensor>>,
  ): TaskEither<RuntimeError, Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

/** What executes ONNX bytes. */
export interface TensorRuntime {
  /** For receipts: provider and version, for example `cpu`, `1.30.0`. */
  readonly provider: string;
  readonly version: string;
  load(model: Uint8Array): TaskEither<RuntimeError, Program>;
}
