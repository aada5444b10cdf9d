import type { ModelRef } from '../../events/codecs';
import { collectionOfRun } from '../../events/collectionOfRun';
import { contentId, sha256, type Digest } from '../../events/digest';
import { checkpointWritten } from '../../events/checkpointWritten';
import { datasetDerived } from '../../events/datasetDerived';
import { eventRetracted } from '../../events/eventRetracted';
import { iterationCompleted } from '../../events/iterationCompleted';
import { iterationStarted } from '../../events/iterationStarted';
import { labelGiven } from '../../events/labelGiven';
import { runStarted } from '../../events/runStarted';
import { stepRecorded } from '../../events/stepRecorded';
import { trainingCompleted } from '../../events/trainingCompleted';
import { trainingStarted } from '../../events/trainingStarted';
import { datasetDerivedOf, type Derived } from '../../projections/deriveDataset';
import { addTrajectory, baseCheckpoint, environment, LedgerBuilder, pose, sum, trainedCheckpoint } from './builders';

const of = (iteration: number) => ({
  runId: 'run-a',
  iteration,
  collectionId: collectionOfRun('run-a', iteration),
});

/**
 * Two iterations of one run over eight problems, first two passes, then one: right at once, solved after one, two and
 * three updates, solved by the student itself, feedback only, discarded, unreadable, duplicate, retracted, labelled, open.
 */
export const smallLedger = (): LedgerBuilder => {
  const ledger = new LedgerBuilder();
  for (let n = 1; n <= 8; n++) pose(ledger, sum(n));
  pose(ledger, sum(9), { gold: false });
  pose(ledger, { problemId: 'p-test', a: 50, b: 6 }, { split: 'test' });
  const student: ModelRef = { kind: 'checkpoint', digest: baseCheckpoint };
  ledger.add(runStarted, { runId: 'run-a', config: {}, seed: 42, codeVersion: 'test', environment });
  ledger.add(iterationStarted, { ...of(1), student, problemSet: 'sums' });

  addTrajectory(ledger, { sum: sum(1), says: [11] });
  addTrajectory(ledger, { sum: sum(2), says: [23, 22] });
  addTrajectory(ledger, { sum: sum(3), says: [30, 31, 32, 33] });
  addTrajectory(ledger, { sum: sum(4), says: [40, 43, 44], outcome: 'feedback-only' });
  addTrajectory(ledger, { sum: sum(5), says: [50, 51, 52] });
  addTrajectory(ledger, { sum: sum(6), says: [66] });
  addTrajectory(ledger, { sum: sum(7), says: [77] });
  addTrajectory(ledger, { sum: sum(8), says: [80, 88], improver: 'student' });

  const pass = 1;
  addTrajectory(ledger, { pass, sum: sum(1), says: [11] }); // the same text as in pass 0
  addTrajectory(ledger, { pass, sum: sum(2), says: [22] });
  addTrajectory(ledger, { pass, sum: sum(3), says: [], outcome: 'discarded', reason: 'unreadable-attempt' });
  addTrajectory(ledger, { pass, sum: sum(4), says: [45, 46, 44] });
  addTrajectory(ledger, { pass, sum: sum(5), says: [55] });
  addTrajectory(ledger, { pass, sum: sum(6), says: [67, 66], improver: 'teacher' });
  const retracted = addTrajectory(ledger, { pass, sum: sum(7), says: [78, 77] });
  addTrajectory(ledger, { pass, sum: sum(8), says: [81], outcome: 'open' });
  const bad = ledger.events.find(
    (e) => e.type === 'FeedbackGiven' && e.data.trajectoryId === retracted && e.data.round === 0,
  );
  ledger.add(eventRetracted, { eventId: bad?.id ?? '', reason: 'wrong feedback', by: 'ana' });

  const second: ModelRef = { kind: 'checkpoint', digest: trainedCheckpoint };
  ledger.add(iterationStarted, { ...of(2), student: second, problemSet: 'sums' });
  const later = { iteration: 2, model: second };
  for (const n of [1, 2, 3, 4]) addTrajectory(ledger, { ...later, sum: sum(n), says: [11 * n] });
  addTrajectory(ledger, { ...later, sum: sum(5), says: [56, 55] });
  const labelled = addTrajectory(ledger, { ...later, sum: sum(6), says: [65, 66] });
  const doubted = ledger.events.find((e) => e.type === 'FeedbackGiven' && e.data.trajectoryId === labelled);
  ledger.add(labelGiven, {
    eventId: doubted?.id ?? '',
    label: 'wrong-feedback',
    value: true,
    by: 'ben',
    supersedes: null,
  });
  return ledger;
};

/** Records a derived dataset, a training of two epochs on it in batches of four, and the checkpoint it wrote. */
export const trainOn = (
  ledger: LedgerBuilder,
  derived: Derived,
  options: { readonly iteration?: number; readonly checkpoint?: Digest; readonly base?: Digest } = {},
): { readonly trainingId: string; readonly datasetId: string } => {
  const iteration = options.iteration ?? 1;
  const checkpoint = options.checkpoint ?? trainedCheckpoint;
  const datasetId = ledger.add(datasetDerived, datasetDerivedOf(derived));
  const { dataset } = derived.manifest;
  const base = options.base ?? baseCheckpoint;
  const trainingId = contentId(['training', dataset, base, iteration]);
  const batches: number[][] = [];
  for (let i = 0; i < 2 * derived.rows.length; i += 4) {
    batches.push([0, 1, 2, 3].map((j) => (i + j) % derived.rows.length));
  }
  const step = (rows: number[], i: number) => {
    const bits = '3f800000';
    return {
      step: i + 1,
      rows,
      tokens: 10,
      loss: 1,
      lossBits: bits,
      gradNorm: 1,
      gradNormBits: bits,
      learningRate: 1,
      sections: {},
      heldOutLoss: null,
    };
  };
  const configDigest = sha256('config');
  ledger.add(trainingStarted, {
    trainingId,
    dataset,
    base: { kind: 'checkpoint', digest: base },
    config: {},
    configDigest,
    seed: 42,
    tokenizer: sha256('tokenizer'),
    graphs: {},
    steps: batches.length,
    environment,
  });
  ledger.add(stepRecorded, { trainingId, from: 1, steps: batches.map(step) });
  const weights = sha256(`weights of ${checkpoint}`);
  const files = { 'model.safetensors': weights };
  const at = batches.length;
  ledger.add(checkpointWritten, { checkpoint, trainingId, step: at, kind: 'final', files, weights, optimizer: null });
  ledger.add(trainingCompleted, {
    trainingId,
    dataset,
    configDigest,
    base,
    steps: at,
    chosenStep: at,
    firstLoss: 1,
    lastLoss: 1,
    fingerprints: sha256('fingerprints'),
    weights,
    checkpoint,
    environment,
  });
  ledger.add(iterationCompleted, {
    runId: 'run-a',
    iteration,
    dataset,
    trainingId,
    checkpoint,
    rows: derived.rows.length,
  });
  return { trainingId, datasetId };
};
