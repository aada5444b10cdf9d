import * as t from 'io-ts';
import { JsonValue } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict({ eventId: t.string, label: t.string, value: JsonValue, by: t.string }, 'LabelGiven@1');
export type LabelGiven = t.TypeOf<typeof V1>;

/** A person's label on an event, for example that a feedback is wrong. The newest value of one author counts. */
export const labelGiven = defineEvent('LabelGiven', V1, {
  stream: () => 'notes',
  identity: (d) => [d.eventId, d.label, d.value, d.by],
});
