import * as E from 'fp-ts/Either';
import type { NewEvent } from '../../events/envelope';
import { decodeEvent, type DecodeError, type LedgerEvent } from '../../events/index';
import { LogReadError, type AppendError, type Appended, type EventLog, type ExpectedRevision } from '../ports/eventLog';

/**
 * The rules of one stream, as pure functions: what it starts as, how an event changes it, and which events a command
 * leads to, or why it is refused. `decide` never throws, waits, or looks at a clock.
 */
export interface Decider<Command, State, Event extends LedgerEvent, Refusal> {
  readonly initial: State;
  /** A method, so that a decider of some events is one of all: its stream holds no others. */
  evolve(state: State, event: Event): State;
  /** No events: the command changes nothing, which is no refusal. */
  decide(command: Command, state: State): E.Either<Refusal, readonly NewEvent[]>;
}

export type HandleError<Refusal> =
  | { readonly tag: 'Refused'; readonly stream: string; readonly refusal: Refusal }
  | { readonly tag: 'Undecodable'; readonly stream: string; readonly error: DecodeError }
  | AppendError;

export interface Handled {
  readonly events: readonly NewEvent[];
  /** Absent when the command led to no events. */
  readonly appended?: Appended;
}

/** How often a command is decided anew because another writer was faster. */
const attempts = 10;

const fold = async <Command, State, Refusal>(
  log: EventLog,
  stream: string,
  decider: Decider<Command, State, LedgerEvent, Refusal>,
): Promise<E.Either<HandleError<Refusal>, { readonly state: State; readonly revision: ExpectedRevision }>> => {
  let state = decider.initial;
  let revision: ExpectedRevision = 'noStream';
  for await (const recorded of log.readStream(stream)) {
    const decoded = decodeEvent(recorded);
    if (E.isLeft(decoded)) return E.left({ tag: 'Undecodable', stream, error: decoded.left });
    state = decider.evolve(state, decoded.right);
    revision = recorded.revision;
  }
  return E.right({ state, revision });
};

const once = async <Command, State, Refusal>(
  log: EventLog,
  stream: string,
  decider: Decider<Command, State, LedgerEvent, Refusal>,
  command: Command,
): Promise<E.Either<HandleError<Refusal>, Handled>> => {
  const folded = await fold(log, stream, decider);
  if (E.isLeft(folded)) return folded;
  const decided = decider.decide(command, folded.right.state);
  if (E.isLeft(decided)) return E.left({ tag: 'Refused', stream, refusal: decided.left });
  const events = decided.right;
  if (events.length === 0) return E.right({ events });
  const appended = await log.append(stream, folded.right.revision, events)();
  return E.isLeft(appended) ? appended : E.right({ events, appended: appended.right });
};

/** Reads a stream, folds it, decides, and appends at exactly that revision; decides anew when another was faster. */
export const handle = async <Command, State, Refusal>(
  log: EventLog,
  stream: string,
  decider: Decider<Command, State, LedgerEvent, Refusal>,
  command: Command,
): Promise<E.Either<HandleError<Refusal>, Handled>> => {
  try {
    for (let attempt = 1; ; attempt++) {
      const result = await once(log, stream, decider, command);
      const raced = E.isLeft(result) && result.left.tag === 'WrongExpectedRevision';
      if (!raced || attempt === attempts) return result;
    }
  } catch (failure) {
    if (failure instanceof LogReadError) return E.left(failure.reason);
    throw failure;
  }
};
