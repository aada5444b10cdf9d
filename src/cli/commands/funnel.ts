import { deriveDataset } from '../../../projections/deriveDataset';
import { funnel as funnelOf, type Funnel } from '../../../projections/funnel';
import type { Decision } from '../../../projections/replayDataset';
import { Recall } from '../../run/recall';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, rulesFlag, type Command } from '../command';
import { useRules } from '../ruleModules';
import { withLedger } from '../compose';
import { datasetEvent, derivationFlags, derivationOf } from '../derivation';
import type { ExitName } from '../exitCodes';
import { stop, usage } from '../faults';
import { pastOf } from '../find';
import { missingLines } from '../lineageView';
import { table } from '../tables';

const kindsOf = ({ byKind }: Funnel): readonly string[] => Object.keys(byKind);

/** One line a rule: what it took of each kind, and what was left; then the rows. */
const funnelTable = (made: Funnel): string => {
  const kinds = kindsOf(made);
  const of = (counts: Readonly<Record<string, number>>): readonly (number | string)[] =>
    kinds.map((kind) => counts[kind] ?? '');
  const flow = (key: 'in' | 'out') => Object.fromEntries(kinds.map((kind) => [kind, made.byKind[kind]?.[key] ?? 0]));
  return table(
    ['', 'lost', 'left', ...kinds],
    [
      ['candidates', '', made.in, ...of(flow('in'))],
      ...made.losses.map(({ rule, lost, left, byKind }) => [rule, lost, left, ...of(byKind)]),
      ['rows', '', made.out, ...of(flow('out'))],
    ],
  );
};

const iterationTable = ({ byIteration, losses }: Funnel): string => {
  const iterations = Object.keys(byIteration);
  return table(
    ['by iteration', ...iterations],
    [
      ['candidates', ...iterations.map((each) => byIteration[each]?.in ?? 0)],
      ...losses.map((loss) => [loss.rule, ...iterations.map((each) => loss.byIteration[each] ?? '')]),
      ['rows', ...iterations.map((each) => byIteration[each]?.out ?? 0)],
    ],
  );
};

export const funnel: Command = {
  name: 'funnel',
  summary: 'From candidates to rows: what each rule of a policy took, by kind and iteration',
  json: 'object',
  details: [
    'Of a recorded dataset (latest when left out), or of a policy under which nothing need have been derived. Rules stand in the',
    'order in which candidates meet them; a trajectory that got as far as rows counts as its rows.',
    'JSON: {dataset, policy, in, out, trajectories, gold, losses: [{rule, says, lost, left, byKind, byIteration}],',
    'byKind: {<kind>: {in, out}}, byIteration: {<n>: {in, out}}, missing}; in = out + the sum of lost.',
  ].join('\n'),
  arguments: [
    { name: '[dataset]', description: "a dataset that was derived: its digest or its manifest's, a prefix, latest" },
  ],
  flags: [
    ledgerFlag,
    { flags: '--policy <policy>', description: 'under this policy instead: a preset, or a YAML file' },
    ...derivationFlags,
    rulesFlag,
    atFlag,
    jsonFlag,
  ],
  examples: [
    'tripost funnel',
    'tripost funnel 9d2e41 --json',
    'tripost funnel --policy tripost --run latest --iteration 1',
  ],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      useRules(args);
      const { blobs } = ledger;
      const log = await readingLog(ledger.log, args, context);
      const past = await pastOf(log, context.signal);
      const recall = new Recall(past, blobs);
      const [named, name] = [args.maybeAt(0), args.text('policy')];
      if (named !== undefined && name !== undefined) usage('a dataset and --policy exclude each other');
      let decisions: readonly Decision[];
      let of: { readonly dataset: string | null; readonly policy: string };
      if (name !== undefined) {
        const { all, policy, options } = await derivationOf(name, args, { log, blobs, past, recall });
        decisions = deriveDataset(all, policy, options).decisions;
        of = { dataset: null, policy: policy.name };
      } else {
        const { data } = datasetEvent(past.events, named ?? 'latest');
        const read = await recall.decisions(data);
        const message = recall.missing.map(({ because, instead }) => `${because}; ${instead}`).join('; ');
        decisions = read ?? stop({ tag: 'DatasetUnreadable', dataset: data.decisions, message });
        of = { dataset: data.dataset, policy: data.policy.name };
      }
      const made = funnelOf(decisions);
      const { missing } = recall;
      if (context.json) {
        await context.out.json({ ...of, ...made, missing });
        return 'ok';
      }
      await context.out.line(
        of.dataset === null
          ? `policy ${of.policy}; nothing was recorded`
          : `dataset ${of.dataset} (policy ${of.policy})`,
      );
      await context.out.line(`${made.trajectories} trajectories and ${made.gold} gold problems`);
      await context.out.line(funnelTable(made));
      await context.out.line(iterationTable(made));
      for (const line of missingLines(missing)) await context.out.line(line);
      return 'ok';
    }),
};
