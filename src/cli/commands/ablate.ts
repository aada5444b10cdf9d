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
import { summary } from '../../report/terminal';
import { run as runLoop } from '../../run/run';
import { ablationDocument } from '../ablationDocument';
import type { Args } from '../args';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, setFlag, type Command, type Context } from '../command';
import { withLedger, withLedgerIfAny } from '../compose';
import { onDevice } from '../cuda/device';
import type { ExitName } from '../exitCodes';
import { must } from '../faults';
import { cellLoader, loadMatrix, matrixPath } from '../matrixFile';
import { progressStep } from '../runProgress';
import { overridesOf } from '../runConfig';
import { runPorts } from '../runPorts';
import { shareFlags, sharePorts } from '../sharing';
import { table } from '../tables';
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

const dryRun = async (args: Args, context: Context, { started, cells }: Ablation): Promise<void> => {
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
  return out.line('Nothing was written.');
};

export const ablate: Command = {
  name: 'ablate',
  summary: 'Run a comparison of arms over seeds on one ledger; what arms agree in is made once',
  json: 'object',
  details: [
    'A matrix names a run config, arms (settings by dotted key) or axes, and seeds. Arms that differ in anything but the',
    'settings under `vary` are refused, with what they differ in. Running again after any stop goes on. The report is a',
    'projection of the ledger: `tripost report <ablation>` makes it again. With --share several processes take seeds in turn.',
    'JSON: the report {ablationId, name, baseline, vary, arms, seeds, metrics, cells, byIteration, comparisons, missing};',
    'with --dry-run {ablationId, cells, work: [{kind, pieces, once, amount, amountOnce}], rates, seconds}.',
  ].join('\n'),
  arguments: [{ name: '<matrix>', description: 'a YAML file, or the name of a shipped matrix' }],
  flags: [
    ledgerFlag,
    setFlag,
    { flags: '--dry-run', description: 'print cells, shared work and time; nothing is written' },
    ...shareFlags,
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
    if (args.has('dryRun')) {
      await dryRun(args, context, planned);
      return 'ok';
    }
    const share = sharePorts(args);
    let exit: ExitName = 'ok';
    await withLedger(args, context, 'collect', async (ledger) => {
      const ports = runPorts(args, ledger, context);
      const total = planned.cells.length;
      let prefix = '';
      const runCell = ({ input }: PlannedCell, signal: AbortSignal) =>
        runLoop(input, {
          ...ports,
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
