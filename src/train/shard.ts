import * as E from 'fp-ts/Either';
import { encodeModel } from '../onnx/modelProto';
import type { Program, RuntimeError, Tensor, TensorRuntime } from '../ports/tensorRuntime';
import { adamWScalars, decays, type AdamW, type StepScalars } from './adamW';
import { adamWStep, addVectors } from './vectorKernel';
import type { ShardClient } from './engine';
import { partOf, tensorOf, type Layout, type Share, type Slot } from './layout';
import { floatsOf, Programs } from './programs';
import { gradientOutput, squaresGraph } from './trainGraph';
import { parameterInput } from './transformer';
import { unshared } from './vectorBlocks';

/** Feeds of one micro-batch, besides the parameters. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** What one micro-batch gives besides its gradients: the loss, scaled, and the losses of its tokens in nats. */
export interface BatchLoss {
  readonly loss: number;
  readonly nll: Float32Array;
}

/** Values and AdamW moments of every trained parameter, flat. */
export interface FlatState {
  readonly values: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** Vectors that all shards of an engine see: values after an update, and gradients of single micro-batches. */
export interface Exchange {
  readonly values: Float32Array;
  readonly slots: readonly Float32Array[];
}

export interface ShardSetup {
  readonly layout: Layout;
  /** What this shard sums, keeps moments of and updates. */
  readonly share: Share;
  readonly optimizer: AdamW;
  /** Parameters that are fed and not trained. */
  readonly frozen: ReadonlyMap<string, Tensor>;
  /** ONNX bytes by key: gradient graphs and loss graphs of the batch shapes that will come. */
  readonly graphs: ReadonlyMap<string, Uint8Array>;
  /** Undefined where this is the only shard: then nothing is exchanged. */
  readonly exchange: Exchange | undefined;
  /** All values, and the moments of the share. They are the shard's from now on: it changes them in place. */
  readonly start: FlatState;
}

type Result<T> = Promise<E.Either<RuntimeError, T>>;

/**
 * One worker's part of a training: a whole copy of the values, on which it computes gradients of micro-batches, and a
 * share of the parameters, whose gradients it sums and which it updates. All sums run in the order of the micro-batches,
 * so results do not depend on how many shards there are.
 */
export class Shard implements ShardClient {
  private readonly programs: Programs;
  private readonly values: Float32Array;
  private readonly m: Float32Array;
  private readonly v: Float32Array;
  /** Summed gradients of the share. */
  private readonly sum: Float32Array;
  /** Gradients of one micro-batch; the sum itself where a single shard computes the first. */
  private own: Float32Array | undefined;
  private readonly parameters: Readonly<Record<string, Tensor>>;

  constructor(
    runtime: TensorRuntime,
    private readonly setup: ShardSetup,
  ) {
    const { layout, share, start, frozen } = setup;
    this.programs = new Programs(runtime);
    this.values = start.values;
    this.m = start.m;
    this.v = start.v;
    this.sum = new Float32Array(share.size);
    this.parameters = {
      ...frozenFeeds(frozen),
      ...Object.fromEntries(layout.slots.map((slot) => [parameterInput(slot.name), tensorOf(this.values, slot)])),
    };
  }

  private program(key: string): Result<Program> {
    return this.programs.get(key, () => graphBytes(this.setup.graphs, key));
  }

  /**
   * Gradients of one micro-batch. With an exchange they go into its slot; a single shard adds them to the sum at once,
   * `first` says that this is the first micro-batch of the step.
   */
  async gradient(key: string, feeds: Feeds, slot: number, first: boolean): Result<BatchLoss> {
    const program = await this.program(key);
    if (E.isLeft(program)) return program;
    const { layout, exchange } = this.setup;
    const direct = exchange === undefined && first;
    if (!direct) this.own ??= new Float32Array(layout.size);
    const target = direct ? this.sum : (this.own ?? this.sum);
    const into = Object.fromEntries(layout.slots.map((place) => [gradientOutput(place.name), tensorOf(target, place)]));
    const made = await runBatch(program.right, { ...feeds, ...this.parameters }, into);
    if (E.isLeft(made)) return made;
    if (exchange !== undefined) exchange.slots[slot]?.set(target);
    else if (!direct) addVectors(this.sum, [target]);
    return made;
  }

  /** Losses of one batch, without gradients. */
  async losses(key: string, feeds: Feeds): Result<BatchLoss> {
    const program = await this.program(key);
    if (E.isLeft(program)) return program;
    return runBatch(program.right, { ...feeds, ...this.parameters });
  }

  /** Adds the share's part of the first `count` slots to its sum, in their order. */
  async collect(count: number, first: boolean): Promise<void> {
    const { share, exchange } = this.setup;
    const slots = exchange?.slots.slice(0, count) ?? [];
    if (slots.length < count) throw new Error(`expected ${count} slots to collect from, got ${slots.length}`);
    const gradients = slots.map((slot) => partOf(slot, share));
    const [start] = gradients;
    if (first && start !== undefined) this.sum.set(start);
    addVectors(this.sum, first ? gradients.slice(1) : gradients);
  }

  private ownSlots(): readonly Slot[] {
    const { layout, share } = this.setup;
    return layout.slots.slice(share.first, share.end).map((slot) => ({ ...slot, offset: slot.offset - share.offset }));
  }

  /** The sum of squares of each of the share's gradients. */
  async squares(): Result<readonly number[]> {
    const slots = this.ownSlots();
    const program = await this.programs.get('squares', () => encodeModel(squaresGraph(slots)));
    if (E.isLeft(program)) return program;
    const feeds = slots.map((slot) => [gradientOutput(slot.name), { ...tensorOf(this.sum, slot), dims: [slot.size] }]);
    const fetched = await program.right.run(Object.fromEntries(feeds))();
    return E.isLeft(fetched) ? fetched : E.right(Array.from(fetched.right['squares']?.data ?? [], Number));
  }

  /** AdamW on the share, in place; the new values go to the exchange. */
  async update(scalars: StepScalars, clip: number): Promise<void> {
    const { share, optimizer, exchange } = this.setup;
    const mine = partOf(this.values, share);
    const factors = [true, false].map((decaying) => adamWScalars(optimizer, scalars, clip, decaying));
    for (const slot of this.ownSlots()) {
      const of = (vector: Float32Array): Float32Array => partOf(vector, slot);
      const chosen = factors[decays(slot.kind) ? 0 : 1];
      if (chosen !== undefined) adamWStep(of(mine), of(this.m), of(this.v), of(this.sum), chosen);
    }
    exchange?.values.set(mine, share.offset);
  }

  /** Takes the other shards' values from the exchange, once all have updated theirs. */
  async refresh(): Promise<void> {
    const { share, exchange } = this.setup;
    if (exchange === undefined) return;
    this.values.set(exchange.values.subarray(0, share.offset));
    const end = share.offset + share.size;
    this.values.set(exchange.values.subarray(end), end);
  }

  /** Copies of the share's values and moments. */
  async snapshot(): Promise<FlatState> {
    const { offset, size } = this.setup.share;
    return { values: this.values.slice(offset, offset + size), m: this.m.slice(), v: this.v.slice() };
  }

  async release(): Promise<void> {
    await this.programs.release();
  }
}

/** Frozen parameters as feeds, in memory that the runtime takes. */
export const frozenFeeds = (frozen: ReadonlyMap<string, Tensor>): Feeds =>
  Object.fromEntries(
    [...frozen].map(([name, tensor]) => [parameterInput(name), { ...tensor, data: unshared(tensor.data) }]),
  );

/** Runs a loss graph, or a gradient graph whose gradients go into `into`. */
export const runBatch = async (
  program: Program,
  feeds: Feeds,
  into: Readonly<Record<string, Tensor>> = {},
): Promise<E.Either<RuntimeError, BatchLoss>> => {
  const fetched = await program.run(feeds, into)();
  if (E.isLeft(fetched)) return fetched;
  return E.right({ loss: Number(fetched.right['loss']?.data[0] ?? Number.NaN), nll: floatsOf(fetched.right, 'nll') });
};

/** The bytes of a graph that a setup has. */
export const graphBytes = (graphs: ReadonlyMap<string, Uint8Array>, key: string): Uint8Array => {
  const bytes = graphs.get(key);
  if (bytes === undefined) throw new Error(`no graph "${key}"`);
  return bytes;
};
