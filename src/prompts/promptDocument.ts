import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { parseYaml, type DocumentProblem } from '../../projections/parseYaml';
import { Described, exactly, oneOf, otherwise, Positive, section, Text } from '../../projections/policies/codecs';

/** What a large model is asked for. `rationale`: an answer; `hinted`: an answer by somebody who knows the right one (STaR). */
export const promptKinds = ['feedback', 'improvement', 'rationale', 'hinted'] as const;
export type PromptKind = (typeof promptKinds)[number];

/** What a template may name; a reply's own fields are in src/prompts/replies.ts. */
const places: Readonly<Record<PromptKind, readonly string[]>> = {
  feedback: ['problem', 'attempt'],
  improvement: ['problem', 'attempt', 'feedback'],
  rationale: ['problem'],
  hinted: ['problem', 'answer'],
};

const Example = section('example', { user: Text, assistant: Text });

/** A number of examples that the task's script makes, or the examples. */
const Examples = new Described<number | readonly t.TypeOf<typeof Example>[]>(
  'a whole number from 1, or a list of {user, assistant}',
  (u): u is number | readonly t.TypeOf<typeof Example>[] => Positive.is(u) || t.array(Example).is(u),
  (u, c) => (Array.isArray(u) ? t.array(Example).validate(u, c) : Positive.validate(u, c)),
  () => ({ anyOf: [Positive.schema, { type: 'array', items: Example.schema }] }),
);

/** One prompt: `<kind>.yaml`. `{about}` in `system` stands for the task's own note. */
export const PromptDocument = section('prompt', {
  prompt: exactly(1),
  kind: oneOf(...promptKinds),
  version: Positive,
  system: Text,
  user: Text,
  /** What follows a reply that was refused; `{refused}` says why. */
  repair: otherwise(Text, ''),
  /** How many examples the task's script makes. */
  examples: otherwise(Examples, 3),
});
export type PromptDocument = t.TypeOf<typeof PromptDocument>;

/** What is said of one task in all its prompts: `<task>.yaml`. */
export const TaskNote = section('task note', { prompt: exactly(1), task: Text, version: Positive, about: Text });
export type TaskNote = t.TypeOf<typeof TaskNote>;

const named = (template: string): readonly string[] =>
  [...template.matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => name);

const problem = (path: string, message: string): DocumentProblem => ({ line: 1, column: 1, path, message });

/** What a prompt's templates lack, or name without need. */
const templateProblems = ({ kind, system, user, repair }: PromptDocument): readonly DocumentProblem[] => {
  const wanted = places[kind];
  const inUser = named(user);
  const missing = wanted.filter((name) => !inUser.includes(name));
  const unknown = inUser.filter((name) => !wanted.includes(name));
  return [
    ...missing.map((name) =>
      problem('user', `expected {${name}} in it: a ${kind} prompt without it asks about nothing`),
    ),
    ...unknown.map((name) =>
      problem('user', `{${name}} stands for nothing; there are ${wanted.map((n) => `{${n}}`).join(', ')}`),
    ),
    ...named(system).flatMap((name) =>
      name === 'about' ? [] : [problem('system', `{${name}} stands for nothing; there is {about}`)],
    ),
    ...(repair === '' || repair.includes('{refused}')
      ? []
      : [problem('repair', 'expected {refused} in it: it says why')]),
  ];
};

/** Reads a prompt file: its form, and that its templates name what there is. */
export const parsePrompt = (text: string): E.Either<readonly DocumentProblem[], PromptDocument> => {
  const read = parseYaml(text, PromptDocument);
  if (E.isLeft(read)) return read;
  const problems = templateProblems(read.right);
  return problems.length > 0 ? E.left(problems) : read;
};

export const parseNote = (text: string): E.Either<readonly DocumentProblem[], TaskNote> => parseYaml(text, TaskNote);

/** A template with its places filled. What is put in is not looked at again. */
export const filled = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole);
