import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run as runLoop } from '../../run/run';
import { runIdOf } from '../../run/beginRun';
import type { RunInput, RunSummary } from '../../run/runContext';
import { problemSetOf } from '../../run/problems';
import type { Args } from '../args';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, setFlag, type Command, type Context } from '../command';
import { placeOf, withLedger, withLedgerIfAny, type Ledger } from '../compose';
import { onDevice } from '../cuda/device';
import { runPorts } from '../runPorts';
import { must, stop } from '../faults';
import { eventsOf, findCheckpoint } from '../find';
import { ledgerWord } from '../ledgerPlace';
import { loadRun } from '../runConfig';
import { filesOf, receiptFile, receiptOf, writeFolder } from '../studentFolder';
import { iterationTable } from '../tables';
import { planLines } from '../callPlan';
import { planOfTeaching, trajectoriesOf } from '../runPlan';
import {
  checkServed,
  openCalls,
  openTeacher,
  teacherFlags,
  teacherOverrides,
  teacherSettings,
  type Teaching,
} from '../teaching';

const reportFile = 'report.json';

/** The summary as --json and report.json give it: no texts, no items; those are on the ledger. */
const reportOf = (summary: RunSummary, weights: ReadonlyMap<string, string>, ledger: string) => ({
  runId: summary.runId,
  ledger,
  root: summary.root,
  events: summary.events,
  reused: summary.reused,
  iterations: summary.iterations.map(({ iteration, dataset, rows, checkpoint, weights: own, evaluation }) => ({
    iteration,
    dataset,
    rows,
    checkpoint,
    weights: own ?? weights.get(checkpoint) ?? null,
    evaluation: evaluation.evaluationId,
    problemSet: evaluation.problemSet,
    scores: evaluation.scores,
  })),
});

/** A folder for results must be new, empty, or this very run's. */
const checkOut = (folder: string, runId: string): void => {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  const report = join(folder, reportFile);
  const own = existsSync(report) && readFileSync(report, 'utf8').includes(`"runId": "${runId}"`);
  if (!own) stop({ tag: 'WouldOverwrite', path: folder, message: 'it is not empty, and not of this run' });
};

const writeOut = async (folder: string, summary: RunSummary, report: object, { log, blobs }: Ledger): Promise<void> => {
  for (const { iteration, checkpoint } of summary.iterations) {
    const { data } = await findCheckpoint(log, checkpoint);
    const files = await filesOf(blobs, data.files);
    if (data.trainingId !== null)
      files.set(receiptFile, new TextEncoder().encode(await receiptOf(log, data.trainingId)));
    writeFolder(join(folder, iteration === 0 ? 'base' : `iteration-${iteration}`), files, true);
  }
  const text = `${JSON.stringify(report, null, 2)}\n`;
  writeFolder(folder, new Map([[reportFile, new TextEncoder().encode(text)]]), true);
};

const planOf = ({ config, policy, task, basePolicy, trained }: RunInput, runId: string, ledger: string) => {
  const { train, testSeen, testUnseen, seed } = config.task;
  const counts = { train, testSeen, testUnseen };
  const calls = config.iterations * config.collect.passes * train;
  return {
    runId,
    ledger,
    task: task.name,
    problemSet: problemSetOf({ task, config: config.task.config, seed, counts, gold: config.task.gold }),
    problems: counts,
    base: {
      policy: basePolicy.name,
      trained: trained !== undefined,
      steps: config.base.train.steps,
      epochs: config.base.train.epochs,
    },
    iterations: config.iterations,
    policy: policy.name,
    collect: { calls: { from: calls, to: calls * config.collect.maxCalls } },
    train: { steps: config.train.steps, epochs: config.train.epochs },
    evaluations: config.iterations + 1,
  };
};

const dryRun = async (args: Args, context: Context, input: RunInput, teaching: Teaching | undefined): Promise<void> => {
  const path = placeOf(args).shown;
  const runId = runIdOf(input);
  const plan = planOf(input, runId, path);
  const found = await withLedgerIfAny(args, context, async ({ log }) => {
    const mine = (await eventsOf(log, 'IterationStarted', 'IterationCompleted')).filter((e) => e.data.runId === runId);
    const iterations = mine.filter((event) => event.type === 'IterationCompleted').length;
    const own = new Set(mine.flatMap((event) => (event.type === 'IterationStarted' ? [event.data.collectionId] : [])));
    const made = await eventsOf(log, 'GenerationProduced');
    return { iterations, calls: made.filter(({ data }) => own.has(data.collectionId)).length };
  });
  const known = found ?? { iterations: 0, calls: 0 };
  const teacher =
    teaching === undefined
      ? undefined
      : await planOfTeaching(input, trajectoriesOf(input), teaching, { args, context });
  if (context.json)
    return context.out.json({ dryRun: true, ...plan, known, ...(teacher === undefined ? {} : { teacher }) });
  const steps = (of: { readonly steps: number | null; readonly epochs: number | null }): string =>
    of.steps === null ? `${of.epochs ?? 1} epochs` : `${of.steps} steps`;
  const lines = [
    `run ${runId} on ${path}${found === undefined ? ' (new)' : ''}`,
    `pose     ${plan.problems.train} training, ${plan.problems.testSeen} + ${plan.problems.testUnseen} test problems of ${plan.task} (${plan.problemSet})`,
    `base     ${plan.base.trained ? 'imported with its receipt' : `${steps(plan.base)} on the dataset of ${plan.base.policy}`}`,
    `repeat   ${plan.iterations} times: collect ${input.config.collect.passes} x ${plan.problems.train} trajectories, derive by ${plan.policy}, train ${steps(plan.train)}, evaluate`,
    `calls    ${plan.collect.calls.from} to ${plan.collect.calls.to} of the student${teacher === undefined ? ', no large model' : ''}`,
    ...(teacher === undefined ? [] : planLines(teacher).map((line) => `  teacher ${line}`)),
    `on the ledger already: ${known.iterations} whole iterations, ${known.calls} calls`,
    'Nothing was written.',
  ];
  return context.out.line(lines.join('\n'));
};

const show = async (
  context: Context,
  summary: RunSummary,
  weights: ReadonlyMap<string, string>,
  args: Args,
): Promise<void> => {
  const { out } = context;
  const { bold, dim } = out.colors;
  await out.line(iterationTable(summary.iterations));
  const { calls, steps } = summary.reused;
  await out.line(`run    ${summary.runId}`);
  await out.line(`root   ${bold(summary.root)} over ${summary.events} events`);
  if (calls + steps > 0) await out.line(`reused ${calls} calls and ${steps} training steps from the ledger`);
  for (const { iteration, dataset, checkpoint, weights: own } of summary.iterations) {
    const digests = { ...(dataset === null ? {} : { dataset }), checkpoint, weights: own ?? weights.get(checkpoint) };
    let name = iteration === 0 ? 'base' : `iteration ${iteration}`;
    for (const [what, digest] of Object.entries(digests)) {
      await out.line(`${name.padEnd(13)}${what.padEnd(11)}${digest ?? 'unknown'}`);
      name = '';
    }
  }
  const ledger = ledgerWord(args.text('ledger') ?? './ledger.db');
  const last = summary.iterations.at(-1);
  const next = [`tripost verify --ledger ${ledger}`];
  if (last !== undefined) next.push(`tripost trace ${last.checkpoint.slice(0, 12)} --ledger ${ledger}`);
  if (last?.dataset !== null && last !== undefined)
    next.push(`tripost trace ${last.dataset.slice(0, 12)}#0 --ledger ${ledger}`);
  await out.line(dim(['next:', ...next.map((line) => `  ${line}`)].join('\n')));
};

export const run: Command = {
  name: 'run',
  summary: 'The whole loop: pose, train the base, then collect, derive, train and evaluate per iteration',
  json: 'object',
  details: [
    'The same config on the same ledger is the same run: what is there is used, so running again after any stop is resuming.',
    'JSON: {runId, ledger, root, events, reused: {calls, steps}, iterations: [{iteration, dataset, rows, checkpoint,',
    'weights, evaluation, problemSet, scores}]}; iteration 0 is the base. With --dry-run: the plan; with a teacher also its calls and cost.',
  ].join('\n'),
  arguments: [{ name: '<config>', description: 'YAML or JSON; `tripost init` writes one to start from' }],
  flags: [
    ledgerFlag,
    { flags: '--seed <n>', description: 'over the config: seed of collection, training and evaluation' },
    { flags: '--iterations <n>', description: 'over the config: how many iterations' },
    { flags: '--policy <policy>', description: 'over the config: a preset, or a YAML file' },
    setFlag,
    { flags: '-o, --out <folder>', description: 'write every checkpoint as a Hugging Face folder, and report.json' },
    { flags: '--dry-run', description: 'print the plan; nothing is written' },
    ...teacherFlags,
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost run run.yaml',
    'tripost run run.yaml --seed 2 --ledger seed2.db --out results/seed2',
    'tripost run run.yaml --policy tripost-no-balance -S train.steps=40 -S collect.passes=2',
    'tripost run run.yaml --dry-run --json',
    'tripost run run.yaml --teacher gpt-4o-mini --max-cost 20',
  ],
  run: onDevice(async (args, context) => {
    args.whole('seed');
    args.whole('iterations');
    const { input, file } = loadRun(args.at(0), args, ['seed', 'iterations', 'policy'], teacherOverrides(args));
    const teaching = teacherSettings(input, file);
    if (args.has('dryRun')) {
      await dryRun(args, context, input, teaching);
      return 'ok';
    }
    checkServed(args, { teacher: teaching !== undefined, student: false });
    const out = args.text('out');
    if (out !== undefined) checkOut(resolve(out), runIdOf(input));
    if (input.task.script === undefined && teaching === undefined)
      return stop({ tag: 'NoScript', task: input.task.name });
    await withLedger(args, context, 'collect', async (ledger) => {
      const { log } = ledger;
      const calls = teaching === undefined ? undefined : await openCalls(args, ledger, context);
      const editor =
        teaching === undefined || calls === undefined
          ? {}
          : { editor: await openTeacher(input.task, teaching, calls, ledger.blobs) };
      const summary = must(await runLoop(input, { ...runPorts(args, ledger, context), ...editor }));
      await calls?.close();
      context.progress.end();
      const written = await eventsOf(log, 'CheckpointWritten');
      const weights = new Map(written.map(({ data }) => [data.checkpoint, data.weights]));
      const report = reportOf(summary, weights, ledger.path);
      if (out !== undefined) await writeOut(resolve(out), summary, report, ledger);
      await (context.json ? context.out.json(report) : show(context, summary, weights, args));
    });
    return 'ok';
  }),
};
