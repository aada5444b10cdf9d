import { because, counts, memoryLines, some, type Table } from './explained';

/** Messages of the loop: posing, collecting, deriving, training, evaluating. */
export const runTable: Table<
  | 'CannotPose'
  | 'NoScript'
  | 'NoProblems'
  | 'TooFewRows'
  | 'DatasetUnreadable'
  | 'ReceiptDiffers'
  | 'StartMissing'
  | 'EmptyDataset'
  | 'NothingHeldOut'
  | 'RowsTooLong'
  | 'BatchWithoutWeight'
  | 'LossNotFinite'
  | 'StateUnreadable'
  | 'TrainingDiffers'
  | 'TrainingOutOfMemory'
  | 'Cancelled'
  | 'ArmsDiffer'
  | 'ArmsAlike'
> = {
  ArmsDiffer: ({ baseline, arm, vary, differences }) =>
    because(
      'usage',
      `The arms ${baseline} and ${arm} differ in more than ${vary.join(', ')}:`,
      ...some(
        differences.map((one) => `  ${one.path}: ${one.baseline ?? 'nothing'} against ${one.other ?? 'nothing'}`),
      ),
      'Nothing was run: their difference would have more than one cause. Name these settings under `vary`, or make them equal.',
    ),
  ArmsAlike: ({ baseline, arm }) =>
    because(
      'usage',
      `The arms ${baseline} and ${arm} are the same run: there is nothing to compare.`,
      'Nothing was run. Give the arm a setting that changes something.',
    ),
  CannotPose: ({ task, message }) =>
    because(
      'usage',
      `No problems can be posed for ${task}: ${message}`,
      'Nothing was changed. Correct `task` in the config.',
    ),
  NoScript: ({ task }) =>
    because(
      'usage',
      `The task ${task} has no script: its feedback and its updates need a large model.`,
      '`tripost init --task <name>` writes a config for each task that runs without one.',
    ),
  NoProblems: ({ problemSet }) =>
    because(
      'usage',
      `The problem set ${problemSet} has no problems to evaluate on.`,
      'Set task.testSeen or task.testUnseen above 0.',
    ),
  TooFewRows: ({ policy, iteration, rows, needed, byReason }) =>
    because(
      'empty',
      `The policy ${policy} keeps ${rows === 0 ? 'nothing' : `only ${rows} rows`} in iteration ${iteration}; training needs ${needed}.`,
      `  candidates by rule: ${counts(byReason)}`,
      'The collected trajectories and the decisions are on the ledger: `tripost why <attempt>` explains each.',
      'Use another --policy, collect more (task.train, collect.passes), or train the base longer; then run again.',
    ),
  DatasetUnreadable: ({ dataset, message }) =>
    because(
      'blob',
      `The dataset ${dataset} cannot be read: ${message}`,
      'Derive it again: the same prefix and policy give the same bytes.',
    ),
  ReceiptDiffers: ({ field, expected, got }) =>
    because(
      'mismatch',
      `The receipt of the trained student is of another training: ${field} differs.`,
      `  expected ${expected}`,
      `  got      ${got}`,
      'It was not imported. Set base.trained to null to train the student here, or make the folder again with this config and code.',
    ),
  StartMissing: ({ checkpoint }) =>
    because(
      'usage',
      `The base starts from checkpoint ${checkpoint}, which this ledger has not.`,
      'Nothing was trained. Set base.from to the folder of that model; the run is the same wherever the folder lies.',
    ),
  EmptyDataset: ({ dataset }) =>
    because(
      'empty',
      `The dataset ${dataset} has no rows: there is nothing to train on.`,
      'Nothing was trained. `tripost derive --policy ...` says which rule dropped what; choose another policy or collect more.',
    ),
  NothingHeldOut: ({ rows, share }) =>
    because(
      'usage',
      `Of ${rows} rows, the share ${share} is none: there is nothing to measure the training on.`,
      'Nothing was trained. Raise train.heldOut.share, or set train.heldOut to null.',
    ),
  RowsTooLong: ({ limit, rows }) =>
    because(
      'usage',
      `${rows.length} rows are longer than the model's ${limit} positions:`,
      ...some(rows.map(({ id, tokens }) => `  row ${id}: ${tokens} tokens`)),
      'Nothing was trained. Set admit.maxTokens in the policy, or a larger maxPositions in base.shape.',
    ),
  BatchWithoutWeight: ({ step, rows }) =>
    because(
      'empty',
      `No token of the batch of step ${step} has a weight above 0: its mean loss would be 0/0.`,
      ...some(rows.map((id) => `  row ${id}`)),
      'Give some section of these rows a weight in the policy. Steps before it are kept where they were saved.',
    ),
  LossNotFinite: ({ step, loss, gradNorm, learningRate, rows }) =>
    because(
      'loss',
      `The loss is not finite at step ${step}.`,
      `  loss ${loss}, gradient norm ${gradNorm}, learning rate ${learningRate}`,
      `  batch: ${some([...new Set(rows)], 4).join(', ')}`,
      'Nothing was updated: the steps before it are saved, and no checkpoint has these weights.',
      'Lower train.learningRate or raise train.warmup: that is another training, so nothing of this one is in its way.',
    ),
  TrainingOutOfMemory: (fault, where) => {
    const [need, less] = memoryLines(fault, where);
    return because(
      'runtime',
      'Memory ran out while training.',
      `  ${fault.message.slice(0, 200)}`,
      need,
      less,
      'They are in the train section, and each makes another training; recompute leaves its weights what they are.',
      'The ledger is whole: the steps up to the last saved one are on it.',
    );
  },
  TrainingDiffers: ({ trainingId, field, expected, got }) =>
    because(
      'mismatch',
      `The training ${trainingId} was begun under other conditions: ${field}`,
      `  then ${expected.slice(0, 300)}`,
      `  now  ${got.slice(0, 300)}`,
      'Nothing was trained. Finish it where, and with the code that, began it; or train on a new --ledger.',
    ),
  StateUnreadable: ({ checkpoint, message }) =>
    because(
      'blob',
      `The state to resume training from cannot be read: blob ${checkpoint}`,
      `  ${message}`,
      'Restore that blob from a copy, or train on a new --ledger.',
    ),
  Cancelled: (fault, { signal }) => {
    const what =
      'steps' in fault
        ? `Stopped in training at step ${fault.step} of ${fault.steps}; saved up to step ${fault.savedStep}.`
        : `Stopped after ${fault.done} of ${fault.total}.`;
    return because(
      signal === 'SIGTERM' ? 'terminated' : 'interrupted',
      what,
      'The ledger is closed and whole. Run the same command again: it goes on from there.',
    );
  },
};
