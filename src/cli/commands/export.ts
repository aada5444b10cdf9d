import { resolve } from 'node:path';
import { datasetDerived } from '../../../events/datasetDerived';
import type { DatasetOrigin } from '../../../events/datasetImported';
import { aboutKeys, type About } from '../../export/exportFormat';
import { formats } from '../../export/formats';
import { exportDataset } from '../../export/writeExport';
import { loadRows } from '../../run/derive';
import type { Args } from '../args';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, usage } from '../faults';
import { findDatasetEvent, type EventOf } from '../find';
import { mustBeFree, writeWhole } from '../outputFolder';

/** What is known of how a dataset came about: from its derivation here, or from the file it came in. */
const originOf = (event: EventOf<'DatasetDerived' | 'DatasetImported'>): DatasetOrigin | null => {
  if (event.type === 'DatasetImported') return event.data.origin;
  const { dataset: _, rows: __, byBucket: ___, ...origin } = event.data;
  return { ...origin, eventId: datasetDerived.idOf(event.data) };
};

const isAbout = (key: string): key is keyof About => aboutKeys.some((known) => known === key);

const aboutOf = (args: Args): About => {
  const about: { -readonly [Key in keyof About]: About[Key] } = {};
  for (const given of args.list('set')) {
    const [key = '', ...rest] = given.split('=');
    if (rest.length === 0 || !isAbout(key))
      return usage(`--set: expected ${aboutKeys.map((each) => `${each}=…`).join(', ')}, got ${JSON.stringify(given)}`);
    about[key] = rest.join('=');
  }
  return about;
};

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write a dataset for other tools, with a card that says what the format does not hold',
  json: 'object',
  details: [
    'A folder: data, README.md (the dataset card) and provenance.json. The same dataset gives the same bytes, on any ledger;',
    'only --format openlineage has times in it, those of the ledger. jsonl, parquet and croissant hold whole rows, and',
    '`tripost import --format dataset` reads them back. The others hold what their readers read: the card counts what is',
    'missing. Nothing is written by half: the folder is there whole, or not at all.',
    'JSON: {dataset, format, out, rows, files: {path: sha256}, losses: [{what, count, text}]}.',
  ].join('\n'),
  arguments: [{ name: '<dataset>', description: 'its digest, the first 6 or more characters of it, or latest' }],
  flags: [
    ledgerFlag,
    { flags: '--format <format>', description: 'how to write it', choices: [...formats.keys()], fallback: 'parquet' },
    { flags: '--out <folder>', description: 'the folder to write; it must not be there yet' },
    { flags: '--force', description: 'replace an export that is there' },
    { flags: '--bos <text>', description: 'axolotl: the begin token, written in front of every row' },
    { flags: '--eos <text>', description: 'axolotl: the end token, written behind the rows that have one' },
    {
      flags: '-S, --set <key=value>',
      description: `what you know of it: ${aboutKeys.join(', ')} (card, Croissant); may be repeated`,
      repeat: true,
    },
    atFlag,
    jsonFlag,
  ],
  examples: [
    'tripost export latest --format parquet --out rows -S license=mit',
    'tripost export 9d2e41 --format axolotl --out axolotl',
    'tripost export latest --format trl --out trl --json',
  ],
  run: (args, context) => {
    const name = args.text('format') ?? 'parquet';
    const format = formats.get(name) ?? usage(`--format: there is no ${name}`);
    const out = resolve(args.need('out'));
    const force = args.has('force');
    const marks = { bos: args.text('bos') ?? null, eos: args.text('eos') ?? null };
    if (name !== 'axolotl' && (marks.bos !== null || marks.eos !== null))
      usage('--bos and --eos are for --format axolotl');
    const about = aboutOf(args);
    mustBeFree(out, force);
    return withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const event = await findDatasetEvent(log, args.at(0));
      const { dataset } = event.data;
      const rows = must(await loadRows(ledger.blobs, dataset));
      const entry = { type: event.type, recordedAt: event.recordedAt };
      const input = { dataset, rows, origin: originOf(event), entry, marks, about };
      const { files, digests, losses } = await exportDataset(format, input);
      writeWhole(out, files, force);
      const missing = aboutKeys.filter((key) => about[key] === undefined);
      if (name === 'croissant' && missing.length > 0)
        context.note(`Croissant wants ${missing.join(', ')} too: give them with -S before you publish.`);
      if (context.json) {
        await context.out.json({ dataset, format: name, out, rows: rows.length, files: digests, losses });
        return 'ok';
      }
      await context.out.line(`dataset ${dataset}: ${rows.length} rows as ${name} in ${out}`);
      for (const [path, digest] of Object.entries(digests)) await context.out.line(`  ${digest}  ${path}`);
      for (const { text } of losses) await context.out.line(`not held: ${text}`);
      return 'ok';
    });
  },
};
