import * as E from 'fp-ts/Either';
import { encodeModel } from '../onnx/modelProto';
import type { Tensor, TensorRuntime } from '../ports/tensorRuntime';
import type {
  EngineError,
  EngineResult,
  EngineSetup,
  EngineStep,
  MicroBatch,
  StartEngine,
  TrainEngine,
} from './engine';
import { tensorOf } from './layout';
import { loopGraph, momentInput, newState, stacked, varianceInput } from './loopGraph';
import { floatsOf, Programs } from './programs';
import { frozenFeeds, graphBytes, runBatch, type BatchLoss, type FlatState } from './shard';
import { parameterInput } from './transformer';

type Result<T> = Promise<E.Either<EngineError, T>>;
type Tensors = Readonly<Record<string, Tensor>>;

/** One tensor of the steps' tensors, with the steps as its first axis. */
const stack = (tensors: readonly Tensor[]): Tensor => {
  const [first] = tensors;
  if (first === undefined) throw new Error('nothing to stack');
  const dims = [tensors.length, ...first.dims];
  if (first.data instanceof BigInt64Array) {
    const data = new BigInt64Array(first.data.length * tensors.length);
    tensors.forEach((tensor, i) => {
      if (tensor.data instanceof BigInt64Array) data.set(tensor.data, i * tensor.data.length);
    });
    return { dtype: 'int64', dims, data };
  }
  const data = new Float32Array(first.data.length * tensors.length);
  tensors.forEach((tensor, i) => {
    if (tensor.data instanceof Float32Array) data.set(tensor.data, i * tensor.data.length);
  });
  return { dtype: 'float32', dims, data };
};

const lengthsOf = ({ microBatches }: EngineStep): readonly number[] =>
  microBatches.map(({ feeds }) => feeds['ids']?.dims[1] ?? 0);

const of = (step: EngineStep, microBatch: number, feed: string): Tensor => {
  const tensor = step.microBatches[microBatch]?.feeds[feed];
  if (tensor === undefined) throw new Error(`micro-batch ${microBatch} has no ${feed}`);
  return tensor;
};

/**
 * Many steps in one run of the runtime: weights and moments are fed once, carried through a Loop, and fetched behind the
 * last. For devices to and from which every feed and fetch is copied. Same bits as a sharded engine on the same provider.
 */
class LoopEngine implements TrainEngine {
  readonly kernelThreads = 1;
  private readonly programs: Programs;
  private readonly frozen: Tensors;
  private held: FlatState;

  constructor(
    runtime: TensorRuntime,
    private readonly setup: EngineSetup,
    readonly block: number,
  ) {
    this.programs = new Programs(runtime);
    this.held = setup.start;
    this.frozen = frozenFeeds(setup.frozen);
  }

  private vectors(): Tensors {
    const { values, m, v } = this.held;
    return Object.fromEntries(
      this.setup.layout.slots.flatMap((slot) => [
        [parameterInput(slot.name), tensorOf(values, slot)],
        [momentInput(slot.name), tensorOf(m, slot)],
        [varianceInput(slot.name), tensorOf(v, slot)],
      ]),
    );
  }

  async run(steps: readonly EngineStep[]): Result<readonly EngineResult[]> {
    const results: EngineResult[] = [];
    for (let start = 0; start < steps.length; ) {
      // One run has one shape: steps of the same micro-batch lengths.
      const [first] = steps.slice(start);
      if (first === undefined) break;
      const shape = lengthsOf(first).join('+');
      const other = steps.findIndex((step, i) => i > start && lengthsOf(step).join('+') !== shape);
      const group = steps.slice(start, other < 0 ? steps.length : other);
      const made = await this.runGroup(group);
      if (E.isLeft(made)) return made;
      results.push(...made.right);
      if (made.right.some(({ updated }) => !updated)) break;
      start += group.length;
    }
    return E.right(results);
  }

  private async runGroup(steps: readonly EngineStep[]): Result<readonly EngineResult[]> {
    const [first] = steps;
    if (first === undefined) return E.right([]);
    const { model, config, layout } = this.setup;
    const lengths = lengthsOf(first);
    const program = await this.programs.get(`loop ${lengths.join('+')}`, () =>
      encodeModel(loopGraph(model, config, layout.slots, lengths)),
    );
    if (E.isLeft(program)) return program;
    const scalars = (value: (step: EngineStep) => number): Tensor => ({
      dtype: 'float32',
      dims: [steps.length],
      data: Float32Array.from(steps, value),
    });
    const names = ['ids', 'targets', 'weights', ...(config.packing ? ['positions', 'segments'] : [])];
    const fetched = await program.right.run({
      ...this.frozen,
      ...this.vectors(),
      count: { dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(steps.length)) },
      scale: scalars((step) => Number(of(step, 0, 'scale').data[0])),
      rate: scalars(({ scalars: { rate } }) => rate),
      spread: scalars(({ scalars: { spread } }) => spread),
      decay: scalars(({ scalars: { decay } }) => decay),
      ...Object.fromEntries(
        lengths.flatMap((_, i) =>
          names.map((name) => [stacked(name, i), stack(steps.map((step) => of(step, i, name)))]),
        ),
      ),
    })();
    if (E.isLeft(fetched)) return fetched;
    this.held = this.gathered(fetched.right);
    const floats = (name: string): Float32Array => floatsOf(fetched.right, name);
    const [losses, norms] = [floats('loss'), floats('gradNorm')];
    const nll = lengths.map((_, i) => floats(stacked('nll', i)));
    const results = steps.map((_, i): EngineResult => {
      const [loss, gradNorm] = [losses[i] ?? Number.NaN, norms[i] ?? Number.NaN];
      return {
        loss,
        gradNorm,
        nll: nll.map((all) => all.slice((i * all.length) / steps.length, ((i + 1) * all.length) / steps.length)),
        updated: Number.isFinite(loss) && Number.isFinite(gradNorm),
      };
    });
    const bad = results.findIndex(({ updated }) => !updated);
    return E.right(bad < 0 ? results : results.slice(0, bad + 1));
  }

  private gathered(fetched: Tensors): FlatState {
    const { layout } = this.setup;
    const vector = (name: (slot: string) => string): Float32Array => {
      const whole = new Float32Array(layout.size);
      for (const slot of layout.slots) whole.set(floatsOf(fetched, newState(name(slot.name))), slot.offset);
      return whole;
    };
    return { values: vector(parameterInput), m: vector(momentInput), v: vector(varianceInput) };
  }

  async losses(batches: readonly MicroBatch[]): Result<readonly BatchLoss[]> {
    const results: BatchLoss[] = [];
    const values = Object.fromEntries(
      this.setup.layout.slots.map((slot) => [parameterInput(slot.name), tensorOf(this.held.values, slot)]),
    );
    for (const { key, feeds } of batches) {
      const program = await this.programs.get(key, () => graphBytes(this.setup.graphs, key));
      if (E.isLeft(program)) return program;
      const made = await runBatch(program.right, { ...feeds, ...this.frozen, ...values });
      if (E.isLeft(made)) return made;
      results.push(made.right);
    }
    return E.right(results);
  }

  async state(): Result<FlatState> {
    const { values, m, v } = this.held;
    return E.right({ values: values.slice(), m: m.slice(), v: v.slice() });
  }

  async release(): Promise<void> {
    await this.programs.release();
  }
}

/** An engine that makes up to `block` steps in one run. */
export const loopEngine =
  (runtime: TensorRuntime, block: number): StartEngine =>
  async (setup) =>
    E.right(new LoopEngine(runtime, setup, block));
