import * as t from 'io-ts';
import { JsonValue, nullable } from './codecs';
import { defineEvent, was } from './defineEvent';

const facts = { eventId: t.string, label: t.string, value: JsonValue, by: t.string };

const V1 = t.strict(facts, 'LabelGiven@1');
const V2 = t.strict({ ...facts, supersedes: nullable(t.string) }, 'LabelGiven@2');
export type LabelGiven = t.TypeOf<typeof V2>;

/**
 * A person's label on an event, for example that a feedback is wrong. The newest value of one author counts. `supersedes`
 * is that author's label of this name before: without it, going back to an earlier value would be the same fact again.
 */
export const labelGiven = defineEvent(
  'LabelGiven',
  V2,
  {
    stream: () => 'notes',
    identity: (d) => [d.eventId, d.label, d.value, d.by, ...(d.supersedes === null ? [] : [d.supersedes])],
  },
  [was(V1, (d) => ({ ...d, supersedes: null }))],
);
