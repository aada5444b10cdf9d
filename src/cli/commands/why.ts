import type { KnownDataset } from '../../../projections/lineage';
import type { Decision } from '../../../projections/replayDataset';
import { renderTrace, type TraceNode } from '../../../projections/trace';
import { why as explainWhy } from '../../../projections/why';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import type { ExitName } from '../exitCodes';
import { withLedger } from '../compose';
import { stop, usage } from '../faults';
import { byPrefix } from '../find';
import { decisionsOf, resolveTarget, viewOf } from '../lineageView';

interface Answer {
  readonly dataset: string;
  readonly policy: string;
  readonly iteration: TraceNode['detail'][string];
  readonly answer: TraceNode;
}

export const why: Command = {
  name: 'why',
  summary: 'Why an attempt, a trajectory or a row is, or is not, in a dataset',
  json: 'object',
  details: [
    'The target is the id (or the first 6 or more characters) of a row, a candidate, a trajectory, a problem, or an event of a',
    'trajectory; <dataset>#<n> is the n-th row of a dataset. Every dataset that judged it answers, unless --dataset picks one.',
    'JSON: {target, kind, answers: [{dataset, policy, iteration, answer}]}; answer is {label, id, detail, children}, its',
    'children one decision each with detail {rule, says, value, threshold}.',
  ].join('\n'),
  arguments: [{ name: '<id>', description: 'row, attempt, trajectory, problem, or any event of a trajectory' }],
  flags: [ledgerFlag, { flags: '--dataset <digest>', description: 'only this dataset' }, atFlag, jsonFlag],
  examples: ['tripost why 5b1f0a3c', 'tripost why 5b1f0a3c --dataset 9d2e41 --json'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const view = await viewOf(log, ledger.blobs, context.signal);
      const picked = args.text('dataset');
      const known = [...view.lineage.datasets.values()].flat();
      const digest = picked === undefined ? undefined : byPrefix('dataset', picked, [...view.rows.keys()]);
      if (digest !== undefined && !view.lineage.datasets.has(digest))
        usage(
          `dataset ${digest} was imported: its decisions are with the ledger that derived it (\`tripost trace\` names it)`,
        );
      const asked = digest === undefined ? known : known.filter((each) => each.dataset === digest);
      if (asked.length === 0) stop({ tag: 'IdNotFound', what: 'dataset', id: picked ?? 'latest', known: [] });

      const judged: { readonly of: KnownDataset; readonly decisions: readonly Decision[] }[] = [];
      for (const of of asked) judged.push({ of, decisions: await decisionsOf(ledger.blobs, of.decisions) });
      const { kind, id } = resolveTarget(
        args.at(0),
        view,
        judged.flatMap((each) => each.decisions),
      );

      const all = judged.map(({ of, decisions }): Answer => {
        const iteration = of.detail['iteration'] ?? null;
        return {
          dataset: of.dataset,
          policy: of.policy.name,
          iteration,
          answer: explainWhy(id, decisions, view.lineage),
        };
      });
      // A dataset of another iteration has nothing to say; where none has, one of them says so.
      const telling = all.filter((each) => each.answer.children.length > 0);
      const answers = telling.length > 0 ? telling : all.slice(-1);
      if (context.json) {
        await context.out.json({ target: id, kind, answers });
        return 'ok';
      }
      for (const { dataset, policy, iteration, answer } of answers) {
        await context.out.line(
          `dataset ${dataset} (policy ${policy}${iteration === null ? '' : `, iteration ${iteration}`})`,
        );
        await context.out.line(renderTrace(answer, '  '));
      }
      return 'ok';
    }),
};
