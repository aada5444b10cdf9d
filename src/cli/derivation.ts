import * as E from 'fp-ts/Either';
import { decodeEvent, type LedgerEvent } from '../../events/index';
import type { Policy } from '../../projections/policies/policy';
import type { Scope } from '../../projections/policies/scope';
import { project } from '../../projections/projection';
import type { Derivation } from '../../projections/rederive';
import { trajectories } from '../../projections/trajectories';
import type { JudgedLedger } from '../../projections/trajectory';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import { counterOf } from '../run/counter';
import { placeIn, type Past } from '../run/past';
import type { Recall } from '../run/recall';
import type { Args } from './args';
import type { Flag } from './command';
import { must, stop, usage } from './faults';
import { byPrefix, findProblemSet, findRun, type EventOf } from './find';
import { namedTokenizer } from './namedTokenizer';
import { loadPolicy } from './policyFile';

export type DatasetEvent = EventOf<'DatasetDerived'>;

export const isDataset = (event: LedgerEvent): event is DatasetEvent => event.type === 'DatasetDerived';

/**
 * The derivations that a name means, in the order of the ledger: of a dataset's digest all that gave it, of a manifest's
 * digest or an event's id that one (several policies may give the same rows); `latest` is the newest; no name means all.
 */
export const datasetEvents = (
  events: readonly LedgerEvent[],
  picked: string | undefined,
): readonly [DatasetEvent, ...DatasetEvent[]] => {
  const known = events.filter(isDataset);
  const namesOf = ({ id, data }: DatasetEvent): readonly string[] => [data.dataset, data.manifest, id];
  const found = (): readonly DatasetEvent[] => {
    if (picked === undefined) return known;
    if (picked === 'latest') return known.slice(-1);
    const names = known.flatMap(namesOf);
    const imported = events.flatMap(({ type, data }) => (type === 'DatasetImported' ? [data.dataset] : []));
    const name = byPrefix('dataset', picked, [...imported, ...names]);
    if (!names.includes(name))
      usage(
        `dataset ${name} was imported: its decisions are with the ledger that derived it (\`tripost trace\` names it)`,
      );
    return known.filter((event) => namesOf(event).includes(name));
  };
  const [first, ...rest] = found();
  return first === undefined
    ? stop({ tag: 'IdNotFound', what: 'dataset', id: picked ?? 'latest', known: [] })
    : [first, ...rest];
};

/** The newest derivation that a name means. */
export const datasetEvent = (events: readonly LedgerEvent[], picked: string): DatasetEvent => {
  const found = datasetEvents(events, picked);
  return found[found.length - 1] ?? found[0];
};

/** What says, beside a policy, what is to be derived. */
export const derivationFlags: readonly Flag[] = [
  { flags: '--run <run>', description: 'with --policy: trajectories of this run: its id, a prefix, or latest' },
  { flags: '--iteration <n>', description: 'with --policy: trajectories of this iteration' },
  { flags: '--problems <set>', description: 'with --policy: gold rationales of this problem set only' },
  { flags: '--seed <n>', description: 'with --policy: root of the draws, 1 when left out' },
  {
    flags: '--tokenizer <checkpoint>',
    description: 'whose tokenizer counts: digest, prefix, latest, or a model folder',
  },
];

/** The part of the ledger that --run, --iteration and --problems name. */
export const scopeOf = async (args: Args, log: EventLog): Promise<Partial<Scope>> => {
  const [run, set] = [args.text('run'), args.text('problems')];
  const iteration = args.whole('iteration');
  return {
    ...(run === undefined ? {} : { runId: await findRun(log, run) }),
    ...(iteration === undefined ? {} : { iteration }),
    ...(set === undefined ? {} : { problemSet: await findProblemSet(log, set) }),
  };
};

/** Where a trajectory's own candidates are: its iteration, of the first run that has it. */
const placeOf = async (
  trajectoryId: string | undefined,
  log: EventLog,
  { iterations }: Pick<JudgedLedger, 'iterations'>,
): Promise<{ readonly runId?: string; readonly iteration?: number }> => {
  if (trajectoryId === undefined) return {};
  for await (const recorded of log.readStream(`trajectory-${trajectoryId}`)) {
    const place = placeIn(must(decodeEvent(recorded)));
    if (place === undefined) continue;
    const run = iterations.find(({ collectionId }) => collectionId === place.collectionId);
    return { iteration: run?.iteration ?? place.iteration, ...(run === undefined ? {} : { runId: run.runId }) };
  }
  return {};
};

export interface DerivationPlace {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly past: Past;
  readonly recall: Recall;
}

const needsCounter = ({ admit, name }: Policy): never | undefined =>
  admit.maxTokens === null
    ? undefined
    : usage(`the policy ${name} has admit.maxTokens: name the checkpoint whose tokenizer counts with --tokenizer`);

/**
 * What the flags ask of a policy under which nothing need have been derived. With --dataset, what that one was derived
 * from; without --run and --iteration, the place of a trajectory where one is given; else everything.
 */
export const derivationOf = async (
  name: string,
  args: Args,
  { log, blobs, past, recall }: DerivationPlace,
  trajectoryId?: string,
): Promise<Derivation> => {
  const policy = loadPolicy(name, process.cwd());
  const through = policy.select.iterations === 'through';
  const counted = args.text('tokenizer');
  const counter = counted === undefined ? {} : counterOf(await namedTokenizer(counted, log, blobs));
  const picked = args.text('dataset');
  if (picked !== undefined) {
    const { data } = datasetEvent(past.events, picked);
    const made = await recall.rederived(data);
    if (E.isLeft(made)) return stop({ tag: 'DatasetUnreadable', dataset: data.dataset, message: made.left });
    const options = { ...made.right.options, ...counter };
    if (options.countTokens === undefined) needsCounter(policy);
    const before = must(await past.about(data.scope, through, data.ledger.size));
    return { all: project(trajectories, before), policy, options };
  }
  if (counted === undefined) needsCounter(policy);
  const isPlaced = args.text('run') !== undefined || args.whole('iteration') !== undefined;
  const started = project(trajectories, past.events);
  const own = isPlaced ? {} : await placeOf(trajectoryId, log, started);
  const scope = { ...own, ...(await scopeOf(args, log)) };
  const all = project(trajectories, must(await past.about(scope, through)));
  return { all, policy, options: { seed: args.whole('seed') ?? 1, scope, ...counter } };
};
