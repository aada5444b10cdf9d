import * as t from 'io-ts';
import { defineEvent } from './defineEvent';

const V1 = t.strict({ eventId: t.string, reason: t.string, by: t.string }, 'EventRetracted@1');
export type EventRetracted = t.TypeOf<typeof V1>;

/** An event must not be used any more (leaked item, bad teacher). It stays in the ledger; policies leave it out. */
export const eventRetracted = defineEvent('EventRetracted', V1, {
  stream: () => 'notes',
  identity: (d) => [d.eventId],
});
