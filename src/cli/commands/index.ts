import type { Command } from '../command';
import { typed } from '../lazy';

/** A command's place in the list: what `tripost --help` shows, and where the rest of it is. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
  /** Loads the command's own file, and with it whatever that file needs. */
  readonly load: () => Command;
}

/* oxlint-disable typescript/no-require-imports -- lazy: `tripost --help` must not load a runtime or a database */
/** Every command. Adding one is a file and an entry here; test/cli/help.test.ts checks that the summaries agree. */
export const entries: readonly Entry[] = [
  {
    name: 'demo',
    summary: 'The whole loop on a shipped student, offline, in minutes; then the whole lineage of one row',
    load: () => typed<typeof import('./demo')>(require('./demo')).demo,
  },
  {
    name: 'run',
    summary: 'The whole loop: pose, train the base, then collect, derive, train and evaluate per iteration',
    load: () => typed<typeof import('./run')>(require('./run')).run,
  },
  {
    name: 'collect',
    summary: 'One iteration of interactive trajectory editing: the student answers, a script or a large model edits',
    load: () => typed<typeof import('./collect')>(require('./collect')).collect,
  },
  {
    name: 'derive',
    summary: 'Derive a dataset from the ledger under a policy; no model is called',
    load: () => typed<typeof import('./derive')>(require('./derive')).derive,
  },
  {
    name: 'train',
    summary: 'Train a checkpoint on a derived dataset; leaves a receipt',
    load: () => typed<typeof import('./train')>(require('./train')).train,
  },
  {
    name: 'baseline',
    summary:
      "Collect what a baseline learns from and derive its dataset: SI demo, LMSI, STaR with the student's or a large model's help",
    load: () => typed<typeof import('./baseline')>(require('./baseline')).baseline,
  },
  {
    name: 'evaluate',
    summary: 'Score a checkpoint on a problem set',
    load: () => typed<typeof import('./evaluate')>(require('./evaluate')).evaluate,
  },
  {
    name: 'ablate',
    summary: 'Run a comparison of arms over seeds on one ledger; what arms agree in is made once',
    load: () => typed<typeof import('./ablate')>(require('./ablate')).ablate,
  },
  {
    name: 'report',
    summary: 'The report of an ablation as tables, Markdown, JSON, CSV, or one HTML file with pictures',
    load: () => typed<typeof import('./report')>(require('./report')).report,
  },
  {
    name: 'metrics',
    summary: 'Write what a run, a training or an ablation measured for TensorBoard, MLflow or OpenTelemetry',
    load: () => typed<typeof import('./metrics')>(require('./metrics')).metrics,
  },
  {
    name: 'reproduce',
    summary:
      'Make a training, dataset, evaluation, collection, run or ablation again from the ledger and compare every digest',
    load: () => typed<typeof import('./reproduce')>(require('./reproduce')).reproduce,
  },
  {
    name: 'why',
    summary: 'Why an attempt, a trajectory or a row is, or is not, in a dataset',
    load: () => typed<typeof import('./why')>(require('./why')).why,
  },
  {
    name: 'trace',
    summary: 'Where a row, a checkpoint, a dataset or an event came from, and where it went',
    load: () => typed<typeof import('./trace')>(require('./trace')).trace,
  },
  {
    name: 'diff',
    summary:
      'What separates two datasets, row by row: added, removed, re-weighted, re-ordered, and the rule that decided',
    load: () => typed<typeof import('./diff')>(require('./diff')).diff,
  },
  {
    name: 'funnel',
    summary: 'From candidates to rows: what each rule of a policy took, by kind and iteration',
    load: () => typed<typeof import('./funnel')>(require('./funnel')).funnel,
  },
  {
    name: 'tokens',
    summary: "A row's tokens with the weights that the trainer feeds for them",
    load: () => typed<typeof import('./tokens')>(require('./tokens')).tokens,
  },
  {
    name: 'impact',
    summary: 'Everything an event reached: datasets, trainings, checkpoints, evaluations, and on from there',
    load: () => typed<typeof import('./impact')>(require('./impact')).impact,
  },
  {
    name: 'retract',
    summary: 'Retract an event: it stays, policies leave it out; lists what it reached, derives cleaned datasets',
    load: () => typed<typeof import('./retract')>(require('./retract')).retract,
  },
  {
    name: 'label',
    summary: 'Put a label on an event, for people and for policies (admit.withoutLabels)',
    load: () => typed<typeof import('./label')>(require('./label')).label,
  },
  {
    name: 'log',
    summary: 'List the events of the ledger',
    load: () => typed<typeof import('./log')>(require('./log')).log,
  },
  {
    name: 'stats',
    summary: 'How much of what the ledger and its blobs hold: events, calls, tokens, trajectories, bytes',
    load: () => typed<typeof import('./stats')>(require('./stats')).stats,
  },
  {
    name: 'verify',
    summary: 'Check every event, hash, seal and the file itself; name the first damaged event',
    load: () => typed<typeof import('./verify')>(require('./verify')).verify,
  },
  {
    name: 'seal',
    summary: 'Seal the ledger as it is now with its Merkle root; --key signs it',
    load: () => typed<typeof import('./seal')>(require('./seal')).seal,
  },
  {
    name: 'prove',
    summary: 'Prove offline that an event is under a seal, or that nothing under an older root was changed',
    load: () => typed<typeof import('./prove')>(require('./prove')).prove,
  },
  {
    name: 'check-proof',
    summary: 'Check a proof file offline: no ledger is needed',
    load: () => typed<typeof import('./checkProof')>(require('./checkProof')).checkProof,
  },
  {
    name: 'copy',
    summary: 'Copy a ledger to another store, and prove that the Merkle roots agree',
    load: () => typed<typeof import('./copy')>(require('./copy')).copy,
  },
  {
    name: 'import',
    summary: 'Put problems, a dataset, answers from a chat log, or a model folder on the ledger',
    load: () => typed<typeof import('./import')>(require('./import')).importCommand,
  },
  {
    name: 'export',
    summary: 'Write a dataset for other tools, with a card that says what the format does not hold',
    load: () => typed<typeof import('./export')>(require('./export')).exportCommand,
  },
  {
    name: 'export-student',
    summary: 'Write a checkpoint as a Hugging Face folder, with the receipt of its training',
    load: () => typed<typeof import('./exportStudent')>(require('./exportStudent')).exportStudent,
  },
  {
    name: 'register-checkpoint',
    summary:
      'Put a checkpoint that was trained elsewhere on the ledger: its dataset, base and trainer; its weights stay away',
    load: () => typed<typeof import('./registerCheckpoint')>(require('./registerCheckpoint')).registerCheckpoint,
  },
  {
    name: 'why-call',
    summary: "The identity of a served model's call, part by part; for one that is not recorded the nearest that is",
    load: () => typed<typeof import('./whyCall')>(require('./whyCall')).whyCall,
  },
  {
    name: 'check-gold',
    summary: 'Check every gold rationale on the ledger with the task: its steps and its answer',
    load: () => typed<typeof import('./checkGold')>(require('./checkGold')).checkGold,
  },
  {
    name: 'feedback',
    summary: 'The scripted verifier for pipes: JSON Lines of attempts in, one verdict a line out',
    load: () => typed<typeof import('./feedback')>(require('./feedback')).feedback,
  },
  {
    name: 'score-feedback',
    summary: "Score the models' feedback on the ledger against the task's script: verdict and first wrong step",
    load: () => typed<typeof import('./scoreFeedback')>(require('./scoreFeedback')).scoreFeedback,
  },
  {
    name: 'fake-teacher',
    summary: 'A server of the OpenAI API for tests: answers by script, and misbehaves as told',
    load: () => typed<typeof import('./fakeTeacher')>(require('./fakeTeacher')).fakeTeacher,
  },
  {
    name: 'policy',
    summary: 'List the shipped policies, explain what one does and whence each value is, or validate files',
    load: () => typed<typeof import('./policy')>(require('./policy')).policy,
  },
  {
    name: 'init',
    summary: 'Write a commented config and policy to start from into a folder',
    load: () => typed<typeof import('./init')>(require('./init')).init,
  },
  {
    name: 'doctor',
    summary: 'Check this machine: Node, ONNX Runtime and its providers, SQLite, disk',
    load: () => typed<typeof import('./doctor')>(require('./doctor')).doctor,
  },
];
/* oxlint-enable typescript/no-require-imports */
