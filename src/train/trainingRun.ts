import * as E from 'fp-ts/Either';
import { checkpointWritten } from '../../events/checkpointWritten';
import { digestOf, sha256 } from '../../events/digest';
import { stepRecorded, type Step } from '../../events/stepRecorded';
import { trainingCompleted, type TrainingCompleted } from '../../events/trainingCompleted';
import type { OpenStream } from '../ledger/openStream';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import { checkpointDigest, encodeCheckpoint } from './checkpoint';
import { storeFiles } from './checkpointStore';
import { collectStates } from './collectStates';
import type { MicroBatch, StartEngine, TrainEngine } from './engine';
import type { Weights } from './modelShape';
import { adapterFiles } from './peft';
import type { TrainedModel } from './trainedModel';
import { engineStep, heldOutBatches, heldOutLoss, plannedStep, stepRecord, type TrainPlan } from './trainPlan';
import type { TrainFailure, TrainRequest } from './trainRequest';
import { encodeState, weightsOf } from './trainState';
import { sharedWeights } from './vectorBlocks';

export interface TrainPorts {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly startEngine: StartEngine;
  readonly signal: AbortSignal;
  /** Called after every step, for a progress line. */
  readonly onStep?: (step: Step, steps: number) => void;
}

export interface Trained {
  readonly receipt: TrainingCompleted;
  readonly weights: Weights;
  /** Steps that were found on the ledger and not run again. */
  readonly reusedSteps: number;
}

const recorded = (trainingId: string, steps: readonly Step[]) =>
  steps.length === 0 ? [] : [stepRecorded.create({ trainingId, from: steps[0]?.step ?? 0, steps: [...steps] })];

/** Where held-out losses stand: the step with the least, and how many measurements have passed since. */
const bestOf = (steps: readonly Step[]): { readonly step: number; readonly loss: number; readonly since: number } => {
  let best = { step: 0, loss: Number.POSITIVE_INFINITY, since: 0 };
  for (const { step, heldOutLoss: loss } of steps)
    if (loss !== null) best = loss < best.loss ? { step, loss, since: 0 } : { ...best, since: best.since + 1 };
  return best;
};

/** A training under way: makes its steps, keeps them and the state behind them on the ledger, and leaves a receipt. */
export class TrainingRun {
  private readonly steps: Step[];
  /** Steps that are not on the ledger yet. */
  private unsaved: Step[] = [];
  /** The rows held out, as they are measured. */
  private readonly heldOut: readonly MicroBatch[];

  constructor(
    private readonly request: TrainRequest,
    private readonly ports: TrainPorts,
    private readonly stream: OpenStream,
    private readonly plan: TrainPlan,
    private readonly model: TrainedModel,
    private readonly engine: TrainEngine,
    private readonly trainingId: string,
    private readonly done: readonly Step[],
    /** Values behind the step with the least held-out loss. */
    private best: Float32Array | undefined,
  ) {
    this.steps = [...done];
    this.heldOut = heldOutBatches(plan, request.config);
  }

  private get isStopped(): boolean {
    const patience = this.request.config.heldOut?.patience ?? null;
    return patience !== null && bestOf(this.steps).since >= patience;
  }

  /** Steps until the plan's end, or until more of them do not help. */
  async toTheEnd(): Promise<E.Either<TrainFailure, void>> {
    const { plan, ports } = this;
    const planned = plan.steps.length;
    while (this.steps.length < planned && !this.isStopped) {
      const done = this.steps.length;
      const savedStep = done - this.unsaved.length;
      if (ports.signal.aborted) return E.left({ tag: 'Cancelled', step: done, savedStep, steps: planned });
      const made = await this.block(done + 1);
      if (E.isLeft(made)) {
        // What was made before is kept: the next attempt goes on from the last good step.
        if (made.left.tag === 'LossNotFinite' && this.unsaved.length > 0) await this.save();
        return made;
      }
      if (this.steps.length % this.request.config.checkpointEvery === 0) {
        const saved = await this.save();
        if (E.isLeft(saved)) return saved;
      }
    }
    return E.right(undefined);
  }

  /** The last step of a block that begins with `from`: behind it a state is written, or rows held out are measured. */
  private lastOf(from: number): number {
    const { checkpointEvery, heldOut } = this.request.config;
    const ends = [checkpointEvery, ...(heldOut === null ? [] : [heldOut.every])].map(
      (every) => Math.ceil(from / every) * every,
    );
    return Math.min(from + this.engine.block - 1, this.plan.steps.length, ...ends);
  }

  /** Ids of a step's rows. */
  private rowsOf(step: number): readonly string[] {
    return plannedStep(this.plan, step).batch.rows.map((row) => this.plan.rows[row]?.id ?? String(row));
  }

  /** Makes as many steps as the engine takes at once. */
  private async block(from: number): Promise<E.Either<TrainFailure, void>> {
    const { plan, request, engine } = this;
    const { config } = request;
    const last = this.lastOf(from);
    const filled = [];
    for (let step = from; step <= last; step++) {
      const one = engineStep(plan, config, step);
      if (one === undefined && filled.length === 0)
        return E.left({ tag: 'BatchWithoutWeight', step, rows: this.rowsOf(step) });
      if (one === undefined) break;
      filled.push(one);
    }
    const made = await engine.run(filled.map(({ input }) => input));
    if (E.isLeft(made)) return made;
    for (const [i, result] of made.right.entries()) {
      const step = from + i;
      const one = filled[i];
      if (one === undefined) throw new Error(`the engine made step ${step}, which it was not given`);
      const { loss, gradNorm, updated } = result;
      if (!updated)
        return E.left({
          tag: 'LossNotFinite',
          step,
          loss,
          gradNorm,
          learningRate: one.learningRate,
          rows: this.rowsOf(step),
        });
      const measured = await this.measure(step);
      if (E.isLeft(measured)) return measured;
      const record = stepRecord(plan, step, one, result, measured.right);
      this.steps.push(record);
      this.unsaved.push(record);
      this.ports.onStep?.(record, plan.steps.length);
    }
    return E.right(undefined);
  }

  /** The loss on the rows held out, where it is due behind this step; keeps the values where it is the least so far. */
  private async measure(step: number): Promise<E.Either<TrainFailure, number | null>> {
    const { plan, request, engine } = this;
    const { heldOut } = request.config;
    if (heldOut === null || (step % heldOut.every !== 0 && step !== plan.steps.length)) return E.right(null);
    const losses = await engine.losses(this.heldOut);
    if (E.isLeft(losses)) return losses;
    const loss = heldOutLoss(
      plan,
      request.config,
      losses.right.map(({ nll }) => nll),
    );
    if (loss < bestOf(this.steps).loss) {
      const state = await engine.state();
      if (E.isLeft(state)) return state;
      this.best = state.right.values;
    }
    // No ledger holds a number that is not finite; the next step, whose loss is not either, is refused.
    return E.right(Number.isFinite(loss) ? loss : null);
  }

  /** Steps and the state behind them, in one append: either both are there after a crash or neither. */
  private async save(): Promise<E.Either<TrainFailure, void>> {
    const { ports, model, trainingId, stream } = this;
    const state = await this.engine.state();
    if (E.isLeft(state)) return state;
    const encoded = encodeState({ ...state.right, best: this.best }, model.layout);
    const put = await ports.blobs.putPieces(encoded.pieces)();
    if (E.isLeft(put)) return put;
    const files = { 'state.safetensors': put.right };
    const checkpoint = checkpointWritten.create({
      checkpoint: checkpointDigest(new Map(Object.entries(files))),
      trainingId,
      step: this.steps.length,
      kind: 'resume',
      files,
      weights: encoded.weights,
      optimizer: put.right,
    });
    const appended = await stream.append([...recorded(trainingId, this.unsaved), checkpoint]);
    if (E.isLeft(appended)) return appended;
    this.unsaved = [];
    await collectStates(ports, trainingId);
    return appended;
  }

  /** Writes the student and the receipt. */
  async complete(): Promise<E.Either<TrainFailure, Trained>> {
    const { request, ports, model, trainingId, steps } = this;
    const { base } = request;
    const state = await this.engine.state();
    if (E.isLeft(state)) return state;
    // No step is made any more, and what follows needs memory of its own.
    await this.engine.release();
    const trained = weightsOf(this.best ?? state.right.values, model.layout);
    // In memory that threads share: those that decode with the student need no copy.
    const weights = sharedWeights(model.merged(trained));
    const last = steps[steps.length - 1];
    if (last !== undefined && ![...weights.values()].every((values) => values.every(Number.isFinite))) {
      // The last update overflowed, and no later loss could tell.
      const { step, loss, gradNorm, learningRate } = last;
      return E.left({ tag: 'LossNotFinite', step, loss, gradNorm, learningRate, rows: this.rowsOf(step) });
    }
    const { json: tokenizerJson, endId } = base.tokenizer;
    const { shape, kept } = base;
    const { lora } = request.config;
    const stored = await storeFiles(
      ports.blobs,
      new Map([
        ...encodeCheckpoint({ shape, weights, tokenizerJson, endId, kept }),
        ...(lora === null ? [] : adapterFiles(shape, lora, trained)),
      ]),
    );
    if (E.isLeft(stored)) return stored;
    const { digest: checkpoint, files, weights: weightsDigest } = stored.right;
    const receipt: TrainingCompleted = {
      trainingId,
      dataset: request.dataset,
      configDigest: digestOf(request.config),
      base: base.ref.kind === 'checkpoint' ? base.ref.digest : digestOf(base.ref),
      steps: steps.length,
      chosenStep: this.best === undefined ? steps.length : bestOf(steps).step,
      firstLoss: steps[0]?.loss ?? 0,
      lastLoss: steps[steps.length - 1]?.loss ?? 0,
      fingerprints: sha256(steps.map((step) => `${step.lossBits}${step.gradNormBits}`).join('')),
      weights: weightsDigest,
      checkpoint,
      environment: request.environment,
    };
    const appended = await this.stream.append([
      ...recorded(trainingId, this.unsaved),
      checkpointWritten.create({
        checkpoint,
        trainingId,
        step: steps.length,
        kind: 'final',
        files,
        weights: weightsDigest,
        optimizer: null,
      }),
      trainingCompleted.create(receipt),
    ]);
    if (E.isLeft(appended)) return appended;
    await collectStates(ports, trainingId);
    return E.right({ receipt, weights, reusedSteps: this.done.length });
  }
}
