import * as E from 'fp-ts/Either';
import { diffDatasets, type DatasetDiff, type RowDifference, type Side } from '../../../projections/diffDatasets';
import { differences } from '../../../projections/policies/change';
import { Policy } from '../../../projections/policies/policy';
import { weighCharacters, type Totals } from '../../../projections/rowTotals';
import type { EventLog } from '../../ports/eventLog';
import type { BlobStore } from '../../ports/blobStore';
import type { Past } from '../../run/past';
import { Recall } from '../../run/recall';
import type { Tokenizer } from '../../train/tokenizer';
import { weighTokens } from '../../train/tokenView';
import type { Args } from '../args';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, rulesFlag, type Command } from '../command';
import { useRules } from '../ruleModules';
import { withLedger } from '../compose';
import { datasetEvent, type DatasetEvent } from '../derivation';
import type { ExitName } from '../exitCodes';
import { stop } from '../faults';
import { pastOf } from '../find';
import { missingLines } from '../lineageView';
import { namedTokenizer } from '../namedTokenizer';
import { table } from '../tables';

const sideOf = async ({ data }: DatasetEvent, recall: Recall): Promise<Side> => {
  const rows = await recall.rows(data);
  if (rows !== undefined) return { rows, decisions: await recall.decisions(data) };
  const gone = recall.missing.find(({ digest }) => digest === data.dataset);
  return stop({ tag: 'DatasetUnreadable', dataset: data.dataset, message: `${gone?.because}; ${gone?.instead}` });
};

/** Whose tokens are counted: the one that was named, else that of the first training on either dataset. */
const tokenizerOf = async (
  args: Args,
  asked: readonly DatasetEvent[],
  events: Past['events'],
  recall: Recall,
  { log, blobs }: { readonly log: EventLog; readonly blobs: BlobStore },
): Promise<Tokenizer | undefined> => {
  const named = args.text('tokenizer');
  if (named !== undefined) return namedTokenizer(named, log, blobs);
  const digests = new Set(asked.map(({ data }) => data.dataset));
  const started = events.find((event) => event.type === 'TrainingStarted' && digests.has(event.data.dataset));
  if (started?.type !== 'TrainingStarted') return undefined;
  return (await recall.tokenizers()).find(({ digest }) => digest === started.data.tokenizer);
};

const settingsOf = (a: DatasetEvent, b: DatasetEvent) => {
  const [from, to] = [Policy.decode(a.data.policy.document), Policy.decode(b.data.policy.document)];
  return E.isRight(from) && E.isRight(to) ? differences(from.right, to.right) : [];
};

/** What identifies a dataset, and what of its derivation can differ beside the policy. */
const nameOf = ({ data: { dataset, manifest, policy, scope, seed, ledger } }: DatasetEvent) => ({
  dataset,
  manifest,
  policy: policy.name,
  policyDigest: policy.digest,
  scope,
  seed,
  ledger,
});

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

const totalsTable = (name: string, totals: Totals): string =>
  table(
    [name, 'rows a', 'rows b', 'added', 'removed', 're-weighted', 're-ordered', 'weight a', 'weight b'],
    Object.entries(totals).map(([key, { a, b, added, removed, reweighted, reordered }]) => [
      key,
      a.rows,
      b.rows,
      added,
      removed,
      reweighted,
      reordered,
      rounded(a.weight),
      rounded(b.weight),
    ]),
  );

const whyOf = ({ weights, decidedBy, from, to }: RowDifference): string => {
  if (decidedBy === null) {
    const places = from === to ? '' : `place ${from} -> ${to}`;
    return [...weights.map((each) => `${each.kind} ${each.from} -> ${each.to}`), places]
      .filter((part) => part !== '')
      .join(', ');
  }
  const { rule, value, threshold, detail } = decidedBy;
  const against = threshold === null ? '' : ` against ${threshold}`;
  const measured = value === null ? '' : ` ${value}${against}`;
  return `${rule ?? 'no candidate'}${measured}${detail === null ? '' : ` (${detail})`}`;
};

const rowLine = (row: RowDifference): string =>
  `${row.change.padEnd(10)} ${row.id}  ${row.bucket} ${row.kind ?? ''}  ${whyOf(row)}`;

const accountOf = ({ rows }: DatasetDiff): readonly string[] => {
  const { a, b, added, removed, unchanged, reweighted, reordered, reweightedAndReordered: both } = rows;
  const shared = `${unchanged} unchanged + ${reweighted} re-weighted + ${reordered} re-ordered + ${both} both`;
  return [`a: ${a} rows = ${shared} + ${removed} removed`, `b: ${b} rows = ${shared} + ${added} added`];
};

export const diff: Command = {
  name: 'diff',
  summary:
    'What separates two datasets, row by row: added, removed, re-weighted, re-ordered, and the rule that decided',
  json: 'object',
  details: [
    'A row that one dataset lacks is told with the rule that decided over it there. Re-ordered are the fewest rows that must move.',
    'Weights are summed over tokens, counted by the tokenizer of a training on either dataset or by --tokenizer, else over',
    'characters; the output says which. --rows limits the rows that are listed, never what is counted.',
    'JSON: {a, b, settings: [{setting, from, to}], unit, tokenizer, rows: {a, b, added, removed, unchanged, reweighted, reordered,',
    'reweightedAndReordered}, all, byBucket, byKind, byIteration, bySection, differences: [{id, change, bucket, kind, problemId,',
    'trajectoryId, iteration, from, to, weights, decidedBy}], missing}; a total is {a: {rows, units, weight}, b, added, removed,',
    'reweighted, reordered}. a = unchanged + changed + removed, b = unchanged + changed + added.',
  ].join('\n'),
  arguments: [
    { name: '<a>', description: "a dataset that was derived: its digest or its manifest's, a prefix, latest" },
    { name: '<b>', description: 'another one' },
  ],
  flags: [
    ledgerFlag,
    { flags: '--rows <n>', description: 'list at most so many rows; all, when left out' },
    {
      flags: '--tokenizer <checkpoint>',
      description: 'whose tokens are counted: digest, prefix, latest, or a model folder',
    },
    rulesFlag,
    atFlag,
    jsonFlag,
  ],
  examples: ['tripost diff 9d2e41 5b1f0a', 'tripost diff 9d2e41 latest --rows 20 --json'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async ({ log: whole, blobs }) => {
      useRules(args);
      const limit = args.whole('rows') ?? Number.POSITIVE_INFINITY;
      const log = await readingLog(whole, args, context);
      const past = await pastOf(log, context.signal);
      const { events } = past;
      const recall = new Recall(past, blobs);
      const [a, b] = [datasetEvent(events, args.at(0)), datasetEvent(events, args.at(1))];
      const tokenizer = await tokenizerOf(args, [a, b], events, recall, { log, blobs });
      const weigh = tokenizer === undefined ? weighCharacters : weighTokens(tokenizer);
      const made = diffDatasets(await sideOf(a, recall), await sideOf(b, recall), weigh);
      const listed = made.differences.slice(0, limit);
      const settings = settingsOf(a, b);
      const unit = tokenizer === undefined ? 'characters' : 'tokens';
      const { missing } = recall;
      if (context.json) {
        const sides = { a: nameOf(a), b: nameOf(b), settings, unit, tokenizer: tokenizer?.digest ?? null };
        await context.out.json({ ...made, ...sides, differences: listed, missing });
        return 'ok';
      }
      const line = (text: string): Promise<void> => context.out.line(text);
      await line(`a ${a.data.dataset} (policy ${a.data.policy.name}, seed ${a.data.seed})`);
      await line(`b ${b.data.dataset} (policy ${b.data.policy.name}, seed ${b.data.seed})`);
      for (const { setting, from, to } of settings)
        await line(`  ${setting}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`);
      for (const account of accountOf(made)) await line(account);
      const whose = tokenizer === undefined ? 'no tokenizer is known' : `tokenizer ${tokenizer.digest.slice(0, 12)}`;
      await line(`loss weight in ${unit} (${whose})`);
      await line(totalsTable('class', made.byBucket));
      await line(totalsTable('kind', made.byKind));
      await line(totalsTable('iteration', made.byIteration));
      await line(
        table(
          ['section', 'weight a', 'weight b'],
          Object.entries(made.bySection).map(([key, total]) => [key, rounded(total.a.weight), rounded(total.b.weight)]),
        ),
      );
      for (const row of listed) await line(rowLine(row));
      const more = made.differences.length - listed.length;
      if (more > 0) await line(`... and ${more} more`);
      for (const gone of missingLines(missing)) await line(gone);
      return 'ok';
    }),
};
