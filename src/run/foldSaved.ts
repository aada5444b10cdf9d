import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { DigestText } from '../../events/codecs';
import type { Digest } from '../../events/digest';
import { isPosition, type Position, type StoredEvent } from '../../events/envelope';
import { decodeStored, type DecodeError } from '../../events/index';
import { loadState, saveState, type Projection } from '../../projections/projection';
import { LogReadError, type EventLog } from '../ports/eventLog';
import type { StateStore } from '../ports/stateStore';

/** Fewer new events than these are not worth a new saved state. */
const worthSaving = 1000;

/** A projection's state as far as a ledger went, with what says that it is this ledger. */
const SavedFold = t.strict(
  { format: t.literal(1), position: t.string, leaf: DigestText, state: t.string },
  'SavedFold',
);

export interface FoldedState<State> {
  readonly state: State;
  /** How many events were folded now; the rest was in the saved state. */
  readonly folded: number;
  /** Why a saved state that was there was not used; null: it was, or there was none. */
  readonly unused: string | null;
}

const eventAt = async (log: EventLog, position: Position): Promise<StoredEvent | undefined> => {
  try {
    const [event] = await log.readAt([position]);
    return event;
  } catch (failure) {
    // Not a position of this log, or not of the prefix that is read.
    if (failure instanceof LogReadError || failure instanceof RangeError) return undefined;
    throw failure;
  }
};

const parsed = (text: string): unknown => {
  try {
    const json: unknown = JSON.parse(text);
    return json;
  } catch {
    return undefined;
  }
};

/** The saved state and where it ends, or why it cannot be gone on from. */
const resume = async <State, View>(
  projection: Projection<State, View>,
  log: EventLog,
  text: string,
): Promise<E.Either<string, { readonly state: State; readonly position: Position; readonly leaf: Digest }>> => {
  const saved = SavedFold.decode(parsed(text));
  if (E.isLeft(saved)) return E.left('it is no saved state of this version');
  const { position, leaf, state: stateText } = saved.right;
  const found = isPosition(position) ? await eventAt(log, position) : undefined;
  if (found === undefined) return E.left(`there is no event at position ${position}, where it ends`);
  if (found.leaf !== leaf) return E.left(`the event at position ${position} is another one: expected leaf ${leaf}`);
  const state = loadState(projection, stateText);
  return E.isLeft(state) ? state : E.right({ state: state.right, position: found.position, leaf });
};

/**
 * Folds a ledger from the projection's saved state on, where there is one of this version whose last event is still where
 * it was; else from the start. What was folded is saved for the next time, where it is much. A change of an earlier event
 * is not noticed: `verify` reads everything, this does not.
 */
export const foldSaved = async <State, View>(
  projection: Projection<State, View>,
  log: EventLog,
  states: StateStore,
  options: { readonly signal: AbortSignal; readonly saves: boolean },
): Promise<E.Either<DecodeError | { readonly tag: 'Stopped' }, FoldedState<State>>> => {
  const text = await states.load(projection.name);
  const resumed = text === undefined ? undefined : await resume(projection, log, text);
  const from = resumed !== undefined && E.isRight(resumed) ? resumed.right : undefined;
  const state = from?.state ?? projection.initial();
  let last: StoredEvent | undefined;
  let folded = 0;
  for await (const page of log.readPages(from === undefined ? {} : { after: from.position })) {
    if (options.signal.aborted) return E.left({ tag: 'Stopped' });
    for (const stored of page) {
      const decoded = decodeStored(stored);
      if (E.isLeft(decoded)) return decoded;
      projection.apply(state, decoded.right);
      last = stored;
    }
    folded += page.length;
  }
  if (options.saves && last !== undefined && folded >= worthSaving) {
    const { position, leaf } = last;
    const saved: t.TypeOf<typeof SavedFold> = { format: 1, position, leaf, state: saveState(projection, state) };
    await states.save(projection.name, JSON.stringify(saved));
  }
  const unused = resumed !== undefined && E.isLeft(resumed) ? resumed.left : null;
  return E.right({ state, folded, unused });
};
