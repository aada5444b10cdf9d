import * as E from 'fp-ts/Either';
import { deriveDataset } from '../../../projections/deriveDataset';
import { explain, type Explanation } from '../../../projections/explain';
import type { Derivation } from '../../../projections/rederive';
import type { Decision } from '../../../projections/replayDataset';
import { node, renderTrace, type TraceNode } from '../../../projections/traceNode';
import { decisionsFor, notesSince, why as explainWhy, type LaterNote } from '../../../projections/why';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, rulesFlag, type Command, type Context } from '../command';
import { useRules } from '../ruleModules';
import { withLedger } from '../compose';
import { datasetEvents, derivationFlags, derivationOf, isDataset, type DatasetEvent } from '../derivation';
import type { ExitName } from '../exitCodes';
import { missingLines, resolveTarget, viewOf, type Target, type View } from '../lineageView';
import { explanationLines } from '../whyLines';

interface Answer {
  /** Null: nothing was derived under this policy. */
  readonly dataset: string | null;
  readonly policy: string;
  readonly iteration: TraceNode['detail'][string];
  readonly answer: TraceNode;
  readonly candidates: readonly Explanation[];
  /** Whether what the rules said was found by deriving the recorded bytes again; null where nothing was recorded. */
  readonly exact: boolean | null;
  /** Why there are no rules to tell, or what to know about them. */
  readonly note: string | null;
  readonly since: readonly LaterNote[];
}

const answerOf = async (
  id: string,
  { data }: DatasetEvent,
  decisions: readonly Decision[] | undefined,
  view: View,
): Promise<Answer> => {
  const { dataset, policy, scope, ledger } = data;
  const about = { dataset, policy: policy.name, iteration: scope.iteration };
  const made = await view.recall.rederived(data);
  const told = decisions ?? (E.isRight(made) ? made.right.derived.decisions : []);
  const own = decisionsFor(id, told, view.lineage);
  const since = notesSince(view.past.events, ledger.size, own, view.lineage);
  const answer =
    decisions === undefined && E.isLeft(made)
      ? node('why', id, { answer: 'The decisions of this dataset are missing and cannot be made again.' })
      : explainWhy(id, told, view.lineage);
  if (E.isLeft(made))
    return { ...about, answer, candidates: [], exact: false, note: `no rules to tell: ${made.left}`, since };
  const { derived, isExact } = made.right;
  const again = decisionsFor(id, derived.decisions, view.lineage);
  const note = isExact
    ? null
    : 'this version derives other bytes from these events than were recorded; its rules are told';
  return { ...about, answer, candidates: explain(made.right, again), exact: isExact, note, since };
};

/** The trajectory that a target is of; undefined for a problem, a checkpoint and whatever has none. */
const trajectoryOf = ({ kind, id }: Target, { lineage, rows }: View, decisions: readonly Decision[]) => {
  if (kind === 'trajectory') return id;
  if (kind === 'event') return lineage.events.get(id)?.trajectoryId ?? undefined;
  for (const list of rows.values()) for (const row of list) if (row.id === id) return row.trajectoryId ?? undefined;
  return decisions.find(({ candidateId }) => candidateId === id)?.trajectoryId ?? undefined;
};

const underPolicy = (target: string, trajectoryId: string | undefined, derivation: Derivation, view: View): Answer => {
  const { all, policy, options } = derivation;
  const { decisions } = deriveDataset(all, policy, options);
  // A candidate of a recorded dataset may be no candidate here; its trajectory is.
  const id = decisionsFor(target, decisions, view.lineage).length > 0 ? target : (trajectoryId ?? target);
  return {
    dataset: null,
    policy: policy.name,
    iteration: options.scope?.iteration ?? null,
    answer: explainWhy(id, decisions, view.lineage),
    candidates: explain(derivation, decisionsFor(id, decisions, view.lineage)),
    exact: null,
    note: null,
    since: [],
  };
};

const print = async (
  { dataset, policy, iteration, answer, candidates, note, since }: Answer,
  { out }: Context,
): Promise<void> => {
  const where = iteration === null ? '' : `, iteration ${iteration}`;
  await out.line(
    dataset === null
      ? `policy ${policy}${where}; nothing was recorded`
      : `dataset ${dataset} (policy ${policy}${where})`,
  );
  const refused = answer.children.filter(({ label }) => label === 'refused in collection');
  if (candidates.length === 0) await out.line(renderTrace(answer, '  '));
  else if (answer.detail['answer'] !== undefined) await out.line(renderTrace({ ...answer, children: refused }, '  '));
  for (const candidate of candidates) for (const line of explanationLines(candidate)) await out.line(`  ${line}`);
  for (const { type, says, by, about } of since)
    await out.line(`  since then: ${type} ${says} by ${by}, on ${about}; the dataset was derived before`);
  if (note !== null) await out.line(`  ${note}`);
};

export const why: Command = {
  name: 'why',
  summary: 'Why an attempt, a trajectory or a row is, or is not, in a dataset',
  json: 'object',
  details: [
    'The target is the id (or the first 6 or more characters) of a row, a candidate, a trajectory, a problem, or an event of a',
    'trajectory; <dataset>#<n> is the n-th row of a dataset. Every dataset that judged it answers, unless --dataset picks one.',
    'Every rule of the policy is told in order: what it measured, against what, passed, failed or not reached, and what one that',
    'was not reached would have said. Then the smallest change of the policy that lets the candidate in: the fewest settings of',
    'those that the rules in its way read, each derived with before it is told. Answered from the events; blobs may be missing.',
    "--policy asks a policy under which nothing need have been derived, in the target's own run and iteration (or --run,",
    '--iteration, --problems, --seed; with --dataset: in what that dataset was derived from).',
    'JSON: {target, kind, answers: [{dataset, policy, iteration, exact, note, answer, candidates, since}], missing}; answer is',
    '{label, id, detail, children}, its children one decision each with detail {rule, says, value, threshold}; candidates are',
    '{candidateId, kind, rowId, problemId, trajectoryId, kept, decidedBy, rules: [{rule, says, status, value, threshold, detail,',
    "would, settings}], change}; change is {kind: 'none'}, {kind: 'change', changes: [{setting, from, to}], rows} or",
    "{kind: 'impossible', because}; missing: [{what, dataset, digest, because, instead}].",
  ].join('\n'),
  arguments: [{ name: '<id>', description: 'row, attempt, trajectory, problem, or any event of a trajectory' }],
  flags: [
    ledgerFlag,
    { flags: '--dataset <digest>', description: 'only this dataset' },
    { flags: '--policy <policy>', description: 'under this policy instead: a preset, or a YAML file' },
    ...derivationFlags,
    rulesFlag,
    atFlag,
    jsonFlag,
  ],
  examples: [
    'tripost why 5b1f0a3c',
    'tripost why 5b1f0a3c --dataset 9d2e41 --json',
    'tripost why 5b1f0a3c --policy mine.yaml',
  ],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      useRules(args);
      const log = await readingLog(ledger.log, args, context);
      const view = await viewOf(log, ledger.blobs, context.signal);
      const { lineage, recall } = view;
      const name = args.text('policy');
      const { past } = view;
      const asked =
        name === undefined ? datasetEvents(past.events, args.text('dataset')) : past.events.filter(isDataset);
      // The decisions on a large ledger are many: they are read twice, and only those that are asked about are kept.
      const typed = args.at(0);
      const named: Decision[] = [];
      for (const { data } of asked)
        for (const decision of (await recall.decisions(data)) ?? [])
          if (decision.candidateId.startsWith(typed)) named.push(decision);
      const target = resolveTarget(typed, view, named);
      const { id } = target;
      const all: Answer[] = [];
      if (name !== undefined) {
        const trajectoryId = trajectoryOf(target, view, named);
        const place = { log, blobs: ledger.blobs, past, recall };
        all.push(underPolicy(id, trajectoryId, await derivationOf(name, args, place, trajectoryId), view));
      } else {
        for (const event of asked) {
          const decisions = await recall.decisions(event.data);
          const tells = decisions === undefined || decisionsFor(id, decisions, lineage).length > 0;
          if (tells) all.push(await answerOf(id, event, decisions, view));
        }
        // A dataset of another iteration has nothing to say; where none has, one of them says so.
        const last = asked.at(-1);
        if (all.length === 0 && last !== undefined)
          all.push(await answerOf(id, last, await recall.decisions(last.data), view));
      }
      const { missing } = recall;
      if (context.json) {
        await context.out.json({ target: target.id, kind: target.kind, answers: all, missing });
        return 'ok';
      }
      for (const answer of all) await print(answer, context);
      for (const line of missingLines(missing)) await context.out.line(line);
      return 'ok';
    }),
};
