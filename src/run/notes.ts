import * as E from 'fp-ts/Either';
import { canonicalJson, type Json } from '../../events/digest';
import { eventRetracted, type EventRetracted } from '../../events/eventRetracted';
import type { DecodeError } from '../../events/index';
import { labelGiven, type LabelGiven } from '../../events/labelGiven';
import { openStream } from '../ledger/openStream';
import type { AppendError, EventLog } from '../ports/eventLog';

/** A note as it stands on the ledger; `written` is false where it stood there before. */
export interface Note<Data> {
  readonly id: string;
  readonly data: Data;
  readonly written: boolean;
}

type Noted<Data> = E.Either<AppendError | DecodeError, Note<Data>>;

const stream = 'notes';

/** Retracts an event once: a second retraction finds the first, whoever made it and for whatever reason. */
export const retractEvent = async (log: EventLog, data: EventRetracted): Promise<Noted<EventRetracted>> => {
  const notes = await openStream(log, stream);
  if (E.isLeft(notes)) return notes;
  for (const event of notes.right.events)
    if (event.type === 'EventRetracted' && event.data.eventId === data.eventId)
      return E.right({ id: event.id, data: event.data, written: false });
  const created = eventRetracted.create(data);
  const appended = await notes.right.append([created]);
  return E.isLeft(appended) ? appended : E.right({ id: created.id, data, written: true });
};

export interface NewLabel {
  readonly eventId: string;
  readonly label: string;
  readonly value: Json;
  readonly by: string;
}

/** Gives a label, in place of the same author's label of that name; the value that it has already is no news. */
export const giveLabel = async (log: EventLog, given: NewLabel): Promise<Noted<LabelGiven>> => {
  const notes = await openStream(log, stream);
  if (E.isLeft(notes)) return notes;
  const newest = notes.right.events.findLast(
    (event) =>
      event.type === 'LabelGiven' &&
      event.data.eventId === given.eventId &&
      event.data.label === given.label &&
      event.data.by === given.by,
  );
  if (newest?.type === 'LabelGiven' && canonicalJson(newest.data.value) === canonicalJson(given.value))
    return E.right({ id: newest.id, data: newest.data, written: false });
  const data: LabelGiven = { ...given, supersedes: newest?.id ?? null };
  const created = labelGiven.create(data);
  const appended = await notes.right.append([created]);
  return E.isLeft(appended) ? appended : E.right({ id: created.id, data, written: true });
};
