import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { decodeStored, type EventType, type LedgerEvent } from '../../events/index';
import { shortestPrefix } from '../../projections/why';
import { isAtHand, Past } from '../run/past';
import type { EventLog } from '../ports/eventLog';
import { must, stop } from './faults';

/** The one id that a prefix means; the newest for `latest`. `ids` in the order of the ledger. */
export const byPrefix = (what: string, prefix: string, ids: readonly string[]): string => {
  // What was named again last is the latest.
  const known = [...new Set(ids.toReversed())].toReversed();
  if (prefix === 'latest') return known.at(-1) ?? stop({ tag: 'IdNotFound', what, id: prefix, known: [] });
  if (known.includes(prefix)) return prefix;
  const found = prefix.length >= shortestPrefix ? known.filter((id) => id.startsWith(prefix)) : [];
  const [only] = found;
  if (found.length > 1) return stop({ tag: 'IdAmbiguous', what, id: prefix, found });
  return only ?? stop({ tag: 'IdNotFound', what, id: prefix, known: known.slice(-6) });
};

export type EventOf<T extends EventType> = Extract<LedgerEvent, { readonly type: T }>;

/** The events of some types, decoded, in the order of the ledger. */
export const eventsOf = async <T extends EventType>(
  log: EventLog,
  ...types: readonly T[]
): Promise<readonly EventOf<T>[]> => {
  const found: EventOf<T>[] = [];
  const wanted: ReadonlySet<string> = new Set(types);
  const is = (event: LedgerEvent): event is EventOf<T> => wanted.has(event.type);
  for await (const page of log.readPages({ filter: { types } }))
    for (const stored of page) {
      const event = must(decodeStored(stored));
      if (is(event)) found.push(event);
    }
  return found;
};

/** The whole ledger, decoded. */
export const allEvents = async (log: EventLog, signal: AbortSignal): Promise<readonly LedgerEvent[]> => {
  const events: LedgerEvent[] = [];
  for await (const page of log.readPages()) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: `${events.length} events read` });
    for (const stored of page) {
      const decoded = decodeStored(stored);
      if (E.isLeft(decoded)) return must(decoded);
      events.push(decoded.right);
    }
  }
  return events;
};

/** The ledger for questions about what was derived. `see` is shown every event on the way; without it few are decoded. */
export const pastOf = async (log: EventLog, signal: AbortSignal, see?: (event: LedgerEvent) => void): Promise<Past> => {
  const events: LedgerEvent[] = [];
  let read = 0;
  for await (const page of log.readPages()) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: `${read} events read` });
    read += page.length;
    for (const stored of page) {
      const atHand = isAtHand(stored);
      if (!atHand && see === undefined) continue;
      const decoded = must(decodeStored(stored));
      see?.(decoded);
      if (atHand) events.push(decoded);
    }
  }
  return new Past(log, events);
};

/** A checkpoint's event. A state to resume from is no student: it is left out. */
export const findCheckpoint = async (log: EventLog, prefix: string): Promise<EventOf<'CheckpointWritten'>> => {
  const written = (await eventsOf(log, 'CheckpointWritten')).filter((event) => event.data.kind !== 'resume');
  const digest = byPrefix(
    'checkpoint',
    prefix,
    written.map((event) => event.data.checkpoint),
  );
  return (
    written.find((event) => event.data.checkpoint === digest) ??
    stop({ tag: 'IdNotFound', what: 'checkpoint', id: prefix, known: [] })
  );
};

export const findDataset = async (log: EventLog, prefix: string): Promise<Digest> =>
  (await findDatasetEvent(log, prefix)).data.dataset;

/** The event that a dataset came with: its first derivation here, or else its first import. */
export const findDatasetEvent = async (
  log: EventLog,
  prefix: string,
): Promise<EventOf<'DatasetDerived' | 'DatasetImported'>> => {
  const events = await eventsOf(log, 'DatasetDerived', 'DatasetImported');
  const digest = byPrefix(
    'dataset',
    prefix,
    events.map((event) => event.data.dataset),
  );
  const all = events.filter((event) => event.data.dataset === digest);
  return (
    all.find((event) => event.type === 'DatasetDerived') ??
    all[0] ??
    stop({ tag: 'IdNotFound', what: 'dataset', id: prefix, known: [] })
  );
};

export const findRun = async (log: EventLog, prefix: string): Promise<string> =>
  byPrefix(
    'run',
    prefix,
    (await eventsOf(log, 'RunStarted')).map((event) => event.data.runId),
  );

/** A problem set, by its whole name or the beginning of it. */
export const findProblemSet = async (log: EventLog, prefix: string): Promise<string> =>
  byPrefix(
    'problem set',
    prefix,
    (await eventsOf(log, 'ProblemPosed')).map((event) => event.data.set),
  );
