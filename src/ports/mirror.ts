import type { Position, RecordedEvent } from '../../events/envelope';
import type { EventLog } from './eventLog';

/**
 * A local copy of a ledger that lies elsewhere, to read from. Its positions count 1, 2, 3, ... in the order of the
 * source, so that a position means the same prefix of the ledger on every machine and in every store.
 */
export interface Mirror {
  /** Where it is, for messages. */
  readonly where: string;
  /** What was copied; for reading only. */
  readonly log: EventLog;
  /** The source's position of the last event that was copied; undefined before the first one. */
  source(): Position | undefined;
  /** Where each id is that has been copied when this is called. */
  places(): AsyncIterable<{ readonly id: string; readonly stream: string; readonly revision: number }>;
  /**
   * Copies the events that come next, checking each one's leaf hash and its place in its stream's chain. Throws a
   * `LogReadError` at the first one that is damaged; those before it are kept.
   */
  take(events: readonly RecordedEvent[]): void;
  close(): Promise<void>;
}
