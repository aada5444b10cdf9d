import type { TaskEither } from 'fp-ts/TaskEither';
import type { NewEvent, Position, RecordedEvent, StoredEvent } from '../../events/envelope';

/** `noStream`, or the exact revision of the stream's last event. There is no "any": a racing writer must be noticed. */
export type ExpectedRevision = 'noStream' | number;

export type AppendError =
  | {
      readonly tag: 'WrongExpectedRevision';
      readonly stream: string;
      readonly expected: ExpectedRevision;
      readonly actual: ExpectedRevision;
    }
  /** The id is stored already, with other content or at another place. */
  | {
      readonly tag: 'IdConflict';
      readonly stream: string;
      readonly id: string;
      readonly storedIn: string;
      readonly revision: number;
    }
  /** Some events of the batch are stored already, some are not; nothing was written. */
  | { readonly tag: 'PartialDuplicate'; readonly stream: string; readonly stored: number; readonly given: number }
  /** The data has no canonical JSON form (NaN, a lone surrogate, undefined). */
  | { readonly tag: 'NotJson'; readonly stream: string; readonly id: string; readonly message: string }
  /** The text holds an access key (src/ledger/keyGuard.ts); `what` says of which kind. */
  | { readonly tag: 'KeyInText'; readonly where: string; readonly what: string }
  | StoreError;

export type StoreError =
  /** Another process holds the ledger for writing. */
  | { readonly tag: 'Locked'; readonly where: string; readonly holder: string }
  | { readonly tag: 'NotALedger'; readonly where: string; readonly message: string }
  | { readonly tag: 'Damaged'; readonly where: string; readonly message: string }
  | { readonly tag: 'NoSpace'; readonly where: string; readonly message: string }
  | { readonly tag: 'Unavailable'; readonly where: string; readonly message: string };

export interface Appended {
  readonly stream: string;
  /** Revision of the last event of the batch. */
  readonly revision: number;
  /** Position of the last event of the batch. */
  readonly position: Position;
  /** True when the very same batch was stored before, and nothing was written now. */
  readonly duplicate: boolean;
}

/** One dimension at a time; no regular expressions, so that every store can do it on its side. */
export type Filter = { readonly streamPrefix: readonly string[] } | { readonly types: readonly string[] };

export interface ReadAll {
  /** Exclusive: reading goes on behind this position. */
  readonly after?: Position;
  /** Inclusive end; events behind it are not returned. */
  readonly until?: Position;
  readonly direction?: 'forwards' | 'backwards';
  readonly max?: number;
  readonly filter?: Filter;
}

export interface Follow {
  readonly after?: Position;
  readonly filter?: Filter;
  readonly signal: AbortSignal;
}

export interface CaughtUp {
  readonly tag: 'CaughtUp';
  readonly position: Position | undefined;
}

/**
 * The ordered, append-only log. Same meaning on every adapter (test/contracts/eventLog.contract.ts):
 * one global order; revisions 0, 1, 2, ... per stream without holes; a batch is stored whole or not at all;
 * appending the same batch at the same expected revision again is a no-op that returns the first result.
 * Reads throw a `LogReadError` when the store fails; they never skip.
 */
export interface EventLog {
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): TaskEither<AppendError, Appended>;
  readStream(
    stream: string,
    options?: { readonly from?: number; readonly direction?: 'forwards' | 'backwards'; readonly max?: number },
  ): AsyncIterable<RecordedEvent>;
  readAll(options?: ReadAll): AsyncIterable<RecordedEvent>;
  /** What readAll gives, in pages of one event or more and unparsed: for folds over a whole ledger. */
  readPages(options?: ReadAll): AsyncIterable<readonly StoredEvent[]>;
  /** The events at these positions, each once, in the order of the log. A position that holds none is damage. */
  readAt(positions: readonly Position[]): Promise<readonly StoredEvent[]>;
  /** Everything behind `after`, then a CaughtUp mark, then new events as they come, until the signal aborts. */
  follow(options: Follow): AsyncIterable<RecordedEvent | CaughtUp>;
  /** The last event's position, and how many events there are. */
  head(): Promise<{ readonly position: Position | undefined; readonly size: number }>;
  /** The revision of a stream's last event, or `noStream`. */
  streamHead(stream: string): Promise<ExpectedRevision>;
  /** The event with this id, if stored. */
  readEvent(id: string): Promise<RecordedEvent | undefined>;
  comparePositions(a: Position, b: Position): -1 | 0 | 1;
  close(): Promise<void>;
}

/** The event at which a read failed, as far as the store can still tell. */
export interface FailedAt {
  readonly position: Position;
  readonly stream: string | null;
  readonly revision: number | null;
  readonly id: string | null;
}

/** A read failed; `reason` says how, `at` where. Reads are iterators, so this one is thrown. */
export class LogReadError extends Error {
  constructor(
    readonly reason: StoreError,
    readonly at?: FailedAt,
  ) {
    super(`${reason.tag}: ${'message' in reason ? reason.message : reason.holder} (${reason.where})`);
    this.name = 'LogReadError';
  }
}
