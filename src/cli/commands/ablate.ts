import { canonicalJson, sha256 } from '../../../events/digest';
import {
  ablate as runAblation,
  planAblation,
  type AblateProgress,
  type Ablation,
  type PlannedCell,
} from '../../ablate/ablate';
import { ablateShared } from '../../ablate/ablateShared';
import { armsOf } from '../../ablate/matrix';
import { sharesOf, workOf, type Share } from '../../ablate/plan';
import type { Editor } from '../../collect/editor';
import { planBlobs } from '../../collect/teacherEditor';
import { pushTo } from '../../../projections/projection';
import { summary } from '../../report/terminal';
import { run as runLoop } from '../../run/run';
import { planLines, type ShownPlan } from '../callPlan';
import { ablationDocument } from '../ablationDocument';
import type { Args } from '../args';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, setFlag, type Command, type Context } from '../command';
import { withLedger, withLedgerIfAny, type Ledger } from '../compose';
import { onDevice } from '../cuda/device';
import type { ExitName } from '../exitCodes';
import { must } from '../faults';
import { cellLoader, loadMatrix, matrixPath, promptsNamedIn } from '../matrixFile';
import { progressStep } from '../runProgress';
import { overridesOf } from '../runConfig';
import { planOfTeaching } from '../runPlan';
import { runPorts } from '../runPorts';
import { shareFlags, sharePorts } from '../sharing';
import { table } from '../tables';
import {
  checkServed,
  openCalls,
  openTeacher,
  servedFlags,
  teacherSettings,
  type Calls,
  type Teaching,
} from '../teaching';
import { measuredRates, type WorkRates } from '../workRates';

const unitOf = { base: 'steps', evaluate: 'problems', collect: 'first calls', train: 'steps' } as const;

/** Seconds of all work done once; null where a kind has no rate yet, or an amount is not known beforehand. */
const secondsOf = (shares: readonly Share[], rates: WorkRates): number | null => {
  let sum = 0;
  for (const { kind, once, amountOnce } of shares) {
    if (once === 0) continue;
    const rate = rates[kind];
    if (rate === undefined || amountOnce === 0) return null;
    sum += amountOnce * rate;
  }
  return sum;
};

const minutes = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.ceil(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

/** How the cells are taught: the settings of a cell's teacher, undefined where the script edits. */
type TeachingOf = (cell: PlannedCell) => Teaching | undefined;

/** What each teacher may be asked, in collections that are made once. */
const teacherPlans = async (
  args: Args,
  context: Context,
  cells: readonly PlannedCell[],
  teachingOf: TeachingOf,
): Promise<readonly ShownPlan[]> => {
  const byTeacher = new Map<string, { readonly teaching: Teaching; readonly cell: PlannedCell }[]>();
  for (const cell of cells) {
    const teaching = teachingOf(cell);
    if (teaching !== undefined) pushTo(byTeacher, teaching.model, { teaching, cell });
  }
  const plans: ShownPlan[] = [];
  for (const taught of byTeacher.values()) {
    const [first] = taught;
    if (first === undefined) continue;
    const shares = sharesOf(taught.map(({ cell }) => workOf(cell.input)));
    const trajectories = shares.find(({ kind }) => kind === 'collect')?.amountOnce ?? 0;
    plans.push(await planOfTeaching(first.cell.input, trajectories, first.teaching, { args, context }));
  }
  return plans;
};

const dryRun = async (
  args: Args,
  context: Context,
  { started, cells }: Ablation,
  teachingOf: TeachingOf,
): Promise<void> => {
  const teachers = await teacherPlans(args, context, cells, teachingOf);
  const shares = sharesOf(cells.map(({ input }) => workOf(input)));
  const rates: WorkRates = (await withLedgerIfAny(args, context, ({ log }) => measuredRates(log))) ?? {};
  const seconds = secondsOf(shares, rates);
  const planned = cells.map(({ cell, runId }) => ({ arm: cell.arm.name, seed: cell.seed, runId }));
  if (context.json) {
    const { ablationId, name, baseline, vary } = started;
    return context.out.json({
      dryRun: true,
      ablationId,
      name,
      baseline,
      vary,
      cells: planned,
      work: shares,
      rates,
      seconds,
      ...(teachers.length === 0 ? {} : { teachers }),
    });
  }
  const { out } = context;
  await out.line(
    `ablation ${started.ablationId} (${started.name}): ${cells.length} cells, arms differ in ${started.vary.join(', ')}`,
  );
  await out.line(
    table(
      ['work', 'cells alone', 'on one ledger', 'amount', 'amount once'],
      shares.map(({ kind, pieces, once, amount, amountOnce }) => [
        kind,
        pieces,
        once,
        `${amount} ${unitOf[kind]}`,
        `${amountOnce} ${unitOf[kind]}`,
      ]),
    ),
  );
  await out.line(
    seconds === null
      ? 'time     unknown: this ledger has no measured rate of each kind of work yet'
      : `time     about ${minutes(seconds)} at the rates of this ledger, were nothing of it there yet`,
  );
  for (const teacher of teachers) await out.line(planLines(teacher).join('\n'));
  return out.line('Nothing was written.');
};

/** Opens the editor of each cell; cells with the same teacher have the same one. */
const editors = (teachingOf: TeachingOf, calls: Calls | undefined, { blobs }: Ledger) => {
  const open = new Map<string, Promise<Editor>>();
  return async (cell: PlannedCell): Promise<{ readonly editor?: Editor }> => {
    const teaching = teachingOf(cell);
    if (teaching === undefined || calls === undefined) return {};
    const key = canonicalJson([
      cell.input.task.name,
      teaching.model,
      teaching.sampling,
      ...planBlobs(teaching).map(sha256),
    ]);
    const editor = open.get(key) ?? openTeacher(cell.input.task, teaching, calls, blobs);
    open.set(key, editor);
    return { editor: await editor };
  };
};

export const ablate: Command = {
  name: 'ablate',
  summary: 'Run a comparison of arms over seeds on one ledger; what arms agree in is made once',
  json: 'object',
  details: [
    'A matrix names a run config, arms (settings by dotted key) or axes, and seeds. Arms that differ in anything but the',
    'settings under `vary` are refused, with what they differ in. Running again after any stop goes on. The report is a',
    'projection of the ledger: `tripost report <ablation>` makes it again. With --share several processes take seeds in turn.',
    'Cells whose collect.editor is a served model ask it as `tripost run` does: server and key are OPENAI_BASE_URL, OPENAI_API_KEY.',
    'JSON: the report {ablationId, name, baseline, vary, arms, seeds, metrics, cells, byIteration, comparisons, missing};',
    'with --dry-run {ablationId, cells, work: [{kind, pieces, once, amount, amountOnce}], rates, seconds, teachers?}.',
  ].join('\n'),
  arguments: [{ name: '<matrix>', description: 'a YAML file, or the name of a shipped matrix' }],
  flags: [
    ledgerFlag,
    setFlag,
    { flags: '--dry-run', description: 'print cells, shared work and time; nothing is written' },
    ...shareFlags,
    ...servedFlags,
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost ablate policies.yaml --dry-run',
    'tripost ablate policies.yaml --ledger ablation.db --share',
    'tripost ablate smoke -S task.train=200 --json',
  ],
  run: onDevice(async (args, context) => {
    const path = matrixPath(args.at(0));
    const matrix = loadMatrix(path, overridesOf(args));
    const planned = must(planAblation(matrix, cellLoader(path, matrix)));
    const promptsIn = promptsNamedIn(path, matrix);
    const teachingOf: TeachingOf = ({ cell, input }) => teacherSettings(input, promptsIn(cell));
    if (args.has('dryRun')) {
      await dryRun(args, context, planned, teachingOf);
      return 'ok';
    }
    const teaches = planned.cells.some((cell) => teachingOf(cell) !== undefined);
    checkServed(args, { teacher: teaches, student: false });
    const share = sharePorts(args);
    let exit: ExitName = 'ok';
    await withLedger(args, context, 'collect', async (ledger) => {
      const ports = runPorts(args, ledger, context);
      const calls = teaches ? await openCalls(args, ledger, context) : undefined;
      const editorOf = editors(teachingOf, calls, ledger);
      const total = planned.cells.length;
      let prefix = '';
      const runCell = async (cell: PlannedCell, signal: AbortSignal) =>
        runLoop(cell.input, {
          ...ports,
          ...(await editorOf(cell)),
          signal,
          onProgress: (progress) => {
            const step = progressStep(progress);
            context.progress.report({ ...step, phase: `${prefix}${step.phase}` });
          },
        });
      const onProgress = ({ done, arm, seed }: AblateProgress): void => {
        prefix = `${share === undefined ? `cell ${done + 1} of ${total}, ` : ''}${arm}, seed ${seed}: `;
      };
      const { signal } = context;
      const { empty } = must(
        share === undefined
          ? await runAblation(planned, ledger.log, (cell) => runCell(cell, signal), onProgress)
          : await ablateShared(planned, { log: ledger.log, share, signal, run: runCell, onProgress }),
      );
      await calls?.close();
      context.progress.end();
      const document = await ablationDocument(ledger.log, planned.started.ablationId, context.signal);
      const { report } = document;
      for (const { arm, seed, fault } of empty) {
        const { policy, iteration, rows, needed } = fault;
        const what = `${policy} keeps ${rows} rows in iteration ${iteration}, training needs ${needed}`;
        context.note(`${arm}, seed ${seed}: ${what}`);
      }
      exit = empty.length === 0 ? 'ok' : 'empty';
      if (context.json) return context.out.json(report);
      await context.out.line(summary(document, table));
      context.note(`${armsOf(matrix).length} arms, ${matrix.seeds.length} seeds: ablation ${report.ablationId}`);
    });
    return exit;
  }),
};
