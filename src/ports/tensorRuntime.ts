import type { TaskEither } from 'fp-ts/TaskEither';

export type DType = 'float32' | 'float64' | 'int64' | 'int32' | 'bool';

export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;
}

export type RuntimeError =
  /** The runtime refused the graph: an operator it lacks, or an invalid model. */
  { readonly tag: 'GraphRefused'; readonly message: string } | { readonly tag: 'RunFailed'; readonly message: string };

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
