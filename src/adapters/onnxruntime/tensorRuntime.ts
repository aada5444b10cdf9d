import * as TE from 'fp-ts/TaskEither';
import * as ort from 'onnxruntime-node';
import { cudaVariables } from './cudaDeterminism';
import { runtimeError, type DType, type Program, type Tensor, type TensorRuntime } from '../../ports/tensorRuntime';

export interface OrtOptions {
  /** `cpu`, or `cuda` where its libraries are installed (see `tripost doctor`). */
  readonly device: 'cpu' | 'cuda';
  /** Threads inside one operator; 0 leaves the choice to the runtime. Weights do not depend on it (measured in bench). */
  readonly threads: number;
  /** Whether idle threads wait in a busy loop: faster on a machine of one's own, slower on one that others use too. */
  readonly spin: boolean;
  /**
   * Whether memory is kept between runs; yes, when left out. Without it a large model needs a fifth less, at no cost in
   * time that was seen; small ones lose some.
   */
  readonly arena?: boolean;
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const toOrt = ({ dtype, data, dims }: Tensor): ort.Tensor => new ort.Tensor(dtype, data, dims);

const ortTensors = (tensors: Readonly<Record<string, Tensor>>): Record<string, ort.Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toOrt(tensor)]));

const dtypes: readonly string[] = ['float32', 'float64', 'int32', 'int64', 'bool'] satisfies readonly DType[];
const isDType = (type: string): type is DType => dtypes.includes(type);

/** Our graphs fetch tensors of our types only; anything else is a mistake in a graph. */
const fromOrt = ({ type, dims, data }: ort.Tensor): Tensor => {
  const known =
    data instanceof Float32Array ||
    data instanceof BigInt64Array ||
    data instanceof Uint8Array ||
    data instanceof Float64Array ||
    data instanceof Int32Array;
  if (!isDType(type) || !known) throw new Error(`a graph fetched a tensor of type ${type}`);
  return { dtype: type, dims, data };
};

/**
 * The binding writes an output into the buffer that it is given, and then copies it once more into a new one. Copies of all
 * gradients of a large model would wait for the garbage collector: moved to a closed port, they are freed at once.
 */
const freeCopy = ({ data }: ort.Tensor): void => {
  if (!ArrayBuffer.isView(data) || !(data.buffer instanceof ArrayBuffer)) return;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(undefined, [data.buffer]);
  port1.close();
  port2.close();
};

const program = (session: ort.InferenceSession): Program => ({
  run: (feeds, into = {}) =>
    TE.tryCatch(
      async () => {
        const fetches = Object.fromEntries(
          session.outputNames.map((name) => [name, into[name] === undefined ? null : toOrt(into[name])]),
        );
        const fetched = await session.run(ortTensors(feeds), fetches);
        return Object.fromEntries(
          Object.entries(fetched).map(([name, tensor]) => {
            const target = into[name];
            if (target === undefined) return [name, fromOrt(tensor)];
            freeCopy(tensor);
            return [name, target];
          }),
        );
      },
      (error) => runtimeError('RunFailed', message(error)),
    ),
  release: () => session.release(),
});

/** What a session is asked for. The binding passes dotted keys of `extra` on to the native config, as nested objects. */
export const sessionOptions = ({
  device,
  threads,
  spin,
  arena = true,
}: OrtOptions): ort.InferenceSession.SessionOptions => ({
  executionProviders: [device],
  graphOptimizationLevel: 'all',
  enableMemPattern: false,
  enableCpuMemArena: arena,
  executionMode: 'sequential',
  ...(threads > 0 ? { intraOpNumThreads: threads } : {}),
  interOpNumThreads: 1,
  // What goes wrong comes back as an error, and is told once, in our words.
  logSeverityLevel: 4,
  extra: {
    session: {
      ...(device === 'cuda' ? { use_deterministic_compute: '1' } : {}),
      intra_op: { allow_spinning: spin ? '1' : '0' },
    },
    // A transposed copy and a plain product are faster here than a product that transposes (src/autodiff/rules/linear.ts).
    ...(device === 'cpu' ? { optimization: { disable_specified_optimizers: 'GemmTransposeFusion' } } : {}),
  },
});

/**
 * ONNX Runtime behind the TensorRuntime port. Memory patterns are off: 40 % less memory, no cost seen.
 *
 * CUDA: the runtime switches TF32 on (10 bits of mantissa) and its binding for Node passes no provider option but
 * deviceId, so float32 is kept by the variable that cuBLAS reads when a session makes its handle. It has to be set in the
 * main thread: a worker's process.env is a copy.
 */
export const ortRuntime = (options: OrtOptions): TensorRuntime => {
  if (options.device === 'cuda') Object.assign(process.env, cudaVariables);
  return {
    provider: options.device,
    version: ort.env.versions.node ?? ort.env.versions.common,
    load: (model) =>
      TE.tryCatch(
        async () => program(await ort.InferenceSession.create(model, sessionOptions(options))),
        (error) => runtimeError('GraphRefused', message(error)),
      ),
  };
};

/** Stops the runtime from writing to stderr: for providers that may not be there. Only before the first session. */
export const quieten = (): void => {
  ort.env.logLevel = 'fatal';
};
