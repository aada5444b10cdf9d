import writeFileAtomic from 'write-file-atomic';
import type { ReportDocument } from '../../../projections/ablation/reportDocument';
import { csv } from '../../report/csv';
import { html } from '../../report/html';
import { json } from '../../report/json';
import { markdown } from '../../report/markdown';
import { terminal } from '../../report/terminal';
import { ablationDocument } from '../ablationDocument';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { usage } from '../faults';
import { writing } from '../inputFile';
import { table } from '../tables';

/** Every format by name. Adding one is a file in src/report and an entry here. */
const renderings: ReadonlyMap<string, (document: ReportDocument) => string> = new Map([
  ['terminal', (document: ReportDocument) => terminal(document, table)],
  ['markdown', markdown],
  ['json', json],
  ['csv', csv],
  ['html', html],
]);

export const report: Command = {
  name: 'report',
  summary: 'The report of an ablation as tables, Markdown, JSON, CSV, or one HTML file with pictures',
  json: 'object',
  details: [
    'Everything is rendered from one JSON document, a function of the ledger up to --at: the same prefix gives the same bytes.',
    'The HTML file needs no network and runs no script; the CSV has a line for each arm, seed, iteration and metric. An ablation',
    'that has not finished is reported as far as it has got. --json is --format json.',
    'JSON: {format: 1, ledger: {position, size, root}, digest, settings: [{arm, settings: [[key, value]]}], report: {ablationId,',
    'name, baseline, vary, arms, seeds, metrics, cells, byIteration, comparisons, missing}}; digest is the SHA-256 of the canonical',
    'JSON of report, and is the same wherever the results are.',
  ].join('\n'),
  arguments: [{ name: '<ablation>', description: 'its id, the first 6 or more characters of it, or latest' }],
  flags: [
    ledgerFlag,
    {
      flags: '--format <format>',
      description: 'how to write it (default: terminal)',
      choices: [...renderings.keys()],
    },
    { flags: '--out <file>', description: 'write it to a file, whole or not at all; without it, to stdout' },
    atFlag,
    { ...jsonFlag, description: 'the same as --format json' },
  ],
  examples: [
    'tripost report latest',
    'tripost report latest --format html --out report.html',
    'tripost report 3f2a9c --format csv --out report.csv --at 28941',
  ],
  run: (args, context) => {
    const format = args.text('format') ?? (context.json ? 'json' : 'terminal');
    if (context.json && format !== 'json') usage(`--json is --format json; --format ${format} was given too`);
    const render = renderings.get(format) ?? usage(`--format: there is no ${format}`);
    return withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const text = render(await ablationDocument(log, args.at(0), context.signal));
      const file = args.text('out');
      if (file === undefined) await context.out.write(text);
      else {
        writing(file, () => writeFileAtomic.sync(file, text));
        context.note(`Written: ${file}`);
      }
      return 'ok';
    });
  },
};
