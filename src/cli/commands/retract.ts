import * as E from 'fp-ts/Either';
import { userInfo } from 'node:os';
import type { Digest } from '../../../events/digest';
import type { RecordedEvent } from '../../../events/envelope';
import type { Impact } from '../../../projections/impact';
import { retractEvent } from '../../run/notes';
import { deriveSuccessor, type NoSuccessor, type Successor } from '../../run/successors';
import { loadCheckpoint } from '../../train/checkpointStore';
import type { Tokenizer } from '../../train/tokenizer';
import { jsonFlag, ledgerFlag, rulesFlag, type Command, type Context } from '../command';
import { useRules } from '../ruleModules';
import { withLedger, type Ledger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, usage } from '../faults';
import { eventsOf } from '../find';
import { findEvent } from '../findEvent';
import { impactLines, reachedBy } from '../impactView';
import { wholeViewOf } from '../lineageView';

/** Facts about the ledger itself: nothing was made from them. */
const bookkeeping: ReadonlySet<string> = new Set(['EventRetracted', 'LabelGiven', 'LedgerSealed']);

/** The tokenizer with this digest, from whatever checkpoint has it. */
const tokenizerFinder =
  ({ log, blobs }: Ledger) =>
  async (digest: Digest): Promise<Tokenizer | undefined> => {
    const seen = new Set<string>();
    for (const { data } of await eventsOf(log, 'CheckpointWritten')) {
      const file = data.files['tokenizer.json'];
      if (data.kind === 'resume' || file === undefined || seen.has(file)) continue;
      seen.add(file);
      const loaded = await loadCheckpoint(blobs, data.checkpoint, data.files);
      if (E.isRight(loaded) && loaded.right.tokenizer.digest === digest) return loaded.right.tokenizer;
    }
    return undefined;
  };

/** Cleaned successors of the datasets that hold a text of the event; deeper ones hold what a checkpoint wrote since. */
const cleaned = async (impact: Impact, ledger: Ledger): Promise<readonly (Successor | NoSuccessor)[]> => {
  const made: (Successor | NoSuccessor)[] = [];
  const derived = await eventsOf(ledger.log, 'DatasetDerived');
  for (const { dataset, direct } of impact.datasets) {
    if (direct === 0) {
      const reason =
        'its rows were written by a checkpoint that learnt from the event: train a clean one, then collect again';
      made.push({ dataset, reason });
      continue;
    }
    const done = new Set<string>();
    for (const { data } of derived) {
      const { policy, scope, seed } = data;
      const asked = JSON.stringify([policy.digest, scope, seed]);
      if (data.dataset !== dataset || done.has(asked)) continue;
      done.add(asked);
      made.push(must(await deriveSuccessor(data, ledger, tokenizerFinder(ledger))));
    }
  }
  return made;
};

const successorLine = (each: Successor | NoSuccessor): string => {
  if ('reason' in each) return `not derived: ${each.dataset.slice(0, 12)}: ${each.reason}`;
  const { before, after, policy } = each;
  const is = before.dataset === after.dataset ? 'the same again' : `${after.dataset} with ${after.rows} rows`;
  return `successor of ${before.dataset.slice(0, 12)} (policy ${policy}, ${before.rows} rows): ${is}`;
};

interface Told {
  readonly event: RecordedEvent;
  readonly impact: Impact;
  readonly retraction: {
    readonly id: string | null;
    readonly reason: string;
    readonly by: string;
    readonly written: boolean;
  };
  readonly successors: readonly (Successor | NoSuccessor)[];
}

const tell = async (
  { event, impact, retraction, successors }: Told,
  dryRun: boolean,
  context: Context,
): Promise<void> => {
  if (context.json) {
    const { id, type, stream } = event;
    await context.out.json({ event: { id, type, stream }, dryRun, retraction, impact, successors });
    return;
  }
  const { id, reason, by, written } = retraction;
  const done = dryRun ? 'not retracted (dry run)' : written ? 'retracted' : 'retracted before, nothing was written';
  await context.out.line(
    `${event.type} ${event.id}: ${id === null || written ? done : `${done}: "${reason}", by ${by}`}`,
  );
  for (const line of [...impactLines(impact), ...successors.map(successorLine)]) await context.out.line(line);
};

export const retract: Command = {
  name: 'retract',
  summary: 'Retract an event: it stays, policies leave it out; lists what it reached, derives cleaned datasets',
  json: 'object',
  details: [
    'A later event says so; nothing is removed. Every policy leaves out the trajectory, or the gold rows, of a retracted event. Listed is',
    'what it reached so far (`tripost impact`). --derive derives each dataset that holds a text of it once more, under the same policy,',
    'scope and seed, from the ledger as it is now; no model is called. Retracting twice writes nothing.',
    'JSON: {event: {id, type, stream}, dryRun, retraction: {id, reason, by, written}, impact, successors}; impact is as of',
    '`tripost impact`; a successor is {before: {dataset, rows}, after: {dataset, rows}, policy, scope, seed} or {dataset, reason}.',
  ].join('\n'),
  arguments: [{ name: '<event>', description: 'its id, or the first 6 or more characters' }],
  flags: [
    ledgerFlag,
    { flags: '--reason <text>', description: 'why: it is kept with the retraction' },
    { flags: '--by <name>', description: 'who says so; without it, the name of the account' },
    { flags: '--derive', description: 'derive the cleaned successors of the datasets that hold it' },
    { flags: '--dry-run', description: 'only show what it reached' },
    rulesFlag,
    jsonFlag,
  ],
  examples: ['tripost retract 5b1f0a3c --dry-run', 'tripost retract 5b1f0a3c --reason leaked --by maria --derive'],
  run: (args, context) => {
    useRules(args);
    const dryRun = args.has('dryRun');
    if (dryRun && args.has('derive')) usage('--dry-run and --derive do not go together');
    const reason = dryRun ? (args.text('reason') ?? '') : args.need('reason');
    if (!dryRun && reason.trim() === '') usage('--reason: expected a reason, got nothing');
    const by = args.text('by') ?? userInfo().username;
    return withLedger<ExitName>(args, context, dryRun ? 'read' : 'append', async (ledger) => {
      const { log, blobs } = ledger;
      const event = await findEvent(log, args.at(0), context.signal);
      if (bookkeeping.has(event.type))
        usage(`${event.type} ${event.id} is a note about the ledger: nothing is made from it`);
      const view = await wholeViewOf(log, blobs, context.signal);
      const impact = await reachedBy({ kind: 'event', id: event.id }, view, log);
      if (dryRun) {
        const known = (await eventsOf(log, 'EventRetracted')).find(({ data }) => data.eventId === event.id);
        const said =
          known === undefined
            ? { id: null, reason, by }
            : { id: known.id, reason: known.data.reason, by: known.data.by };
        await tell({ event, impact, retraction: { ...said, written: false }, successors: [] }, dryRun, context);
        return 'ok';
      }
      const { id, data, written } = must(await retractEvent(log, { eventId: event.id, reason, by }));
      const retraction = { id, reason: data.reason, by: data.by, written };
      const successors = args.has('derive') ? await cleaned(impact, ledger) : [];
      await tell({ event, impact, retraction, successors }, dryRun, context);
      const { lineage } = view;
      const known = lineage.events.get(event.id);
      if (known?.type !== 'ProblemPosed' && known?.trajectoryId === null)
        context.note(
          'Policies leave out trajectories and problems; this event is of neither, so datasets stay as they are.',
        );
      return 'ok';
    });
  },
};
