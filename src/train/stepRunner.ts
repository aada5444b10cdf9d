import * as E from 'fp-ts/Either';
import { sha256, type Digest } from '../../events/digest';
import type { Step } from '../../events/stepRecorded';
import { encodeModel } from '../onnx/modelProto';
import type { Program, RuntimeError, Tensor, TensorRuntime } from '../ports/tensorRuntime';
import { stepScalars } from './adamW';
import { fillBatch, type PlannedBatch, type TokenRow } from './batches';
import type { ModelShape } from './modelShape';
import { learningRateAt } from './schedule';
import type { TrainConfig } from './trainConfig';
import type { TrainError } from './trainRequest';
import { newState, trainStepGraph } from './trainGraph';
import type { TrainState } from './trainState';

const scalar = (value: number): Tensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) });

/** The 32 bits of a float32 as 8 hex digits: equal text means equal bits. */
const bitsOf = (value: number): string => {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
};

/** Runs optimizer steps; one loaded program per batch length. */
export class StepRunner {
  private readonly programs = new Map<number, Program>();
  private readonly graphs = new Map<number, Uint8Array>();

  constructor(
    private readonly runtime: TensorRuntime,
    private readonly shape: ModelShape,
    private readonly config: TrainConfig,
  ) {}

  private graph(length: number): Uint8Array {
    const known = this.graphs.get(length);
    if (known !== undefined) return known;
    const bytes = encodeModel(trainStepGraph(this.shape, this.config, this.config.batchSize, length));
    this.graphs.set(length, bytes);
    return bytes;
  }

  /** Digests of the ONNX bytes for the lengths that a plan needs, by `<batch>x<length>`. */
  graphDigests(lengths: readonly number[]): Readonly<Record<string, Digest>> {
    const distinct = [...new Set(lengths)].sort((a, b) => a - b);
    return Object.fromEntries(
      distinct.map((length) => [`${this.config.batchSize}x${length}`, sha256(this.graph(length))]),
    );
  }

  private async program(length: number): Promise<E.Either<RuntimeError, Program>> {
    const known = this.programs.get(length);
    if (known !== undefined) return E.right(known);
    const loaded = await this.runtime.load(this.graph(length))();
    if (E.isRight(loaded)) this.programs.set(length, loaded.right);
    return loaded;
  }

  /** One step. `state` is not changed; the new one shares nothing with it. */
  async step(
    state: TrainState,
    rows: readonly TokenRow[],
    batch: PlannedBatch,
    step: number,
    steps: number,
  ): Promise<E.Either<TrainError, { readonly state: TrainState; readonly record: Step }>> {
    const { config } = this;
    const ids = batch.rows.map((row) => rows[row]?.id ?? String(row));
    const filled = fillBatch(rows, batch, config.batchSize, config.normaliser);
    if (filled === undefined) return E.left({ tag: 'BatchWithoutWeight', step, rows: ids });
    const program = await this.program(batch.length);
    if (E.isLeft(program)) return program;

    const size = config.batchSize * batch.length;
    const learningRate = learningRateAt(
      { learningRate: config.learningRate, warmup: config.warmup, shape: config.schedule },
      step,
      steps,
    );
    const scalars = stepScalars(config, learningRate, step);
    const fetched = await program.right.run({
      ids: { dtype: 'int64', dims: [config.batchSize, batch.length], data: filled.ids },
      targets: { dtype: 'int64', dims: [size], data: filled.targets },
      weights: { dtype: 'float32', dims: [size], data: filled.weights },
      scale: scalar(filled.scale),
      learningRate: scalar(scalars.learningRate),
      correction1: scalar(scalars.correction1),
      correction2: scalar(scalars.correction2),
      ...Object.fromEntries(state),
    })();
    if (E.isLeft(fetched)) return fetched;
    const number = (name: string): number => Number(fetched.right[name]?.data[0] ?? Number.NaN);
    const [loss, gradNorm] = [number('loss'), number('gradNorm')];
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm))
      return E.left({ tag: 'LossNotFinite', step, loss, gradNorm, learningRate, rows: ids });
    const next = new Map<string, Tensor>();
    for (const name of state.keys()) {
      const tensor = fetched.right[newState(name)];
      if (tensor === undefined) throw new Error(`the training graph does not give ${newState(name)}`);
      next.set(name, tensor);
    }
    const record: Step = {
      step,
      rows: [...batch.rows],
      tokens: filled.tokens,
      loss,
      lossBits: bitsOf(loss),
      gradNorm,
      gradNormBits: bitsOf(gradNorm),
      learningRate,
    };
    return E.right({ state: next, record });
  }

  async release(): Promise<void> {
    for (const program of this.programs.values()) await program.release();
    this.programs.clear();
  }
}
