import { resolve } from 'node:path';
import { decodeEvent, type EventType, type LedgerEvent } from '../../../events/index';
import { callTypes, metricTypes, MetricsCollector } from '../../metrics/collectMetrics';
import { metricFormats } from '../../metrics/formats';
import { addToOutline, emptyOutline, outlineTypes } from '../../metrics/outline';
import type { EventLog } from '../../ports/eventLog';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, stop, usage } from '../faults';
import { byPrefix } from '../find';
import { mustBeFree, writeWhole } from '../outputFolder';

const decoded = async function* (
  log: EventLog,
  types: readonly EventType[],
  signal: AbortSignal,
): AsyncGenerator<LedgerEvent> {
  for await (const recorded of log.readAll({ filter: { types } })) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: 'nothing was written' });
    yield must(decodeEvent(recorded));
  }
  return undefined;
};

export const metrics: Command = {
  name: 'metrics',
  summary: 'Write what a run, a training or an ablation measured for TensorBoard, MLflow or OpenTelemetry',
  json: 'object',
  details: [
    'tensorboard: event files, a folder for each run. mlflow: a file store. otel: every model call as a GenAI span (gen_ai.*), OTLP in',
    'JSON lines, without texts. Runs have scores by iteration, trainings every step, the cells of an ablation both. Nothing is sent',
    'anywhere. W&B takes the TensorBoard folder: wandb sync --sync-tensorboard.',
    'Wall times are recordedAt, when the ledger recorded a value; no hash covers them, and they differ between two ledgers with the',
    'same results. The same ledger prefix gives the same bytes.',
    'JSON: {id, format, out, runs, points, calls, files}; files counts them.',
  ].join('\n'),
  arguments: [
    {
      name: '<id>',
      description: 'of a run, a training or an ablation, or the first 6 or more characters; latest: the last run',
    },
  ],
  flags: [
    ledgerFlag,
    {
      flags: '--format <format>',
      description: 'for which tool',
      choices: [...metricFormats.keys()],
      fallback: 'tensorboard',
    },
    { flags: '--out <folder>', description: 'the folder to write; it must not be there yet' },
    atFlag,
    jsonFlag,
  ],
  examples: [
    'tripost metrics latest --out logs',
    'tripost metrics 3f2a9c --format mlflow --out mlruns',
    'tripost metrics latest --format otel --out spans --json',
  ],
  run: (args, context) => {
    const name = args.text('format') ?? 'tensorboard';
    const format = metricFormats.get(name) ?? usage(`--format: there is no ${name}`);
    const out = resolve(args.need('out'));
    mustBeFree(out, false);
    return withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const outline = emptyOutline();
      for await (const event of decoded(log, outlineTypes, context.signal)) addToOutline(outline, event);
      const { runs, trainings, ablations } = outline;
      const latest = [...runs.keys()].at(-1);
      const asked = args.at(0);
      const id =
        asked === 'latest' && latest !== undefined
          ? latest
          : byPrefix('run, training or ablation', asked, [...trainings, ...ablations.keys(), ...runs.keys()]);
      const collector = new MetricsCollector(outline, id);
      for await (const event of decoded(log, format.of === 'calls' ? callTypes : metricTypes, context.signal))
        collector.add(event);
      const found = collector.metrics();
      const points = found.runs.reduce((sum, run) => sum + run.points.length, 0);
      if (format.of === 'calls' && found.calls.length === 0)
        usage(`${id} made no model calls: there are no spans to write`);
      if (format.of === 'values' && points === 0) usage(`${id} has measured nothing yet`);
      const files = format.write(found);
      writeWhole(out, files, false);
      const counted = { runs: found.runs.length, points, calls: found.calls.length, files: files.size };
      if (context.json) await context.out.json({ id, format: name, out, ...counted });
      else {
        const what = format.of === 'calls' ? `${counted.calls} calls` : `${points} values of ${counted.runs} runs`;
        await context.out.line(`${what} of ${id} as ${name} in ${out}, ${files.size} files`);
        context.note(`Opened by: ${format.reader} ${out}`);
      }
      return 'ok';
    });
  },
};
