import * as t from 'io-ts';
import { Author, Count, nullable } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    trajectoryId: t.string,
    round: Count,
    turn: t.keyof({ attempt: null, feedback: null, improvement: null }, 'Turn'),
    author: Author,
    text: t.string,
    rule: t.string,
    expected: nullable(t.string),
    got: nullable(t.string),
    generationId: nullable(t.string),
  },
  'TurnRefused@1',
);
export type TurnRefused = t.TypeOf<typeof V1>;

/** A reply of a large model may be refused twice in one place: it is named by its generation and the rule. */
const which = ({ author, generationId, rule }: TurnRefused): readonly string[] =>
  author === 'teacher' && generationId !== null ? [generationId, rule] : [];

/** A turn that was not let into the trajectory: by which rule, what was expected and what was found. */
export const turnRefused = defineEvent('TurnRefused', V1, {
  stream: (d) => `trajectory-${d.trajectoryId}`,
  identity: (d) => [d.trajectoryId, d.round, d.turn, d.author, ...which(d)],
});
