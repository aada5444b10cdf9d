import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { answerChanges, Policy, unitKinds } from '../../projections/policies/policy';

const authors = fc.constantFrom(['script', 'student', 'teacher'], ['student'], ['script', 'teacher']);
const within = fc.constantFrom('none', 'pass', 'iteration', 'scope');
const sources = fc.constantFrom(['trajectories'], ['gold', 'trajectories'], ['gold', 'trajectories'], ['gold'], []);
const outcomes = fc.constantFrom(['solved'], ['solved', 'feedback-only'], ['solved', 'feedback-only', 'discarded']);
const modes = fc.subarray(['turns', 'whole', 'first', 'final', 'answer', 'critique', 'pairs'], { minLength: 0 });

/** Any policy: every setting that a rule reads takes values that let through and values that keep out. */
export const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    policy: fc.constant(1),
    name: fc.constant('any'),
    select: fc.record({
      sources,
      iterations: fc.constantFrom('current', 'through'),
      authors: fc.record({ attempt: authors, feedback: authors, improvement: authors }),
      teachers: fc.constantFrom(null, null, [], ['large']),
      fromIteration: fc.constantFrom(null, null, 1, 2),
      toIteration: fc.constantFrom(null, null, 1, 2),
      withoutIterations: fc.constantFrom([], [], [], [2]),
      withoutTeachers: fc.constantFrom([], [], [], ['large']),
      withoutCells: fc.constantFrom([], [], [], ['two']),
    }),
    admit: fc.record({
      outcomes,
      firstAnswer: fc.constantFrom('any', 'any', 'correct', 'wrong', 'majority'),
      maxWords: fc.constantFrom(null, null, 22, 1),
      maxTokens: fc.constantFrom(null, null, 3, 4),
      perProblem: fc.constantFrom(null, null, 1, 2),
      withoutLabels: fc.constantFrom([], ['odd']),
      withLabels: fc.constantFrom([], [], [], ['odd']),
      labelsBy: fc.constantFrom(null, null, ['ben']),
      minLogprob: fc.constantFrom(null, null, null, -1, -0.5),
      maxUpdates: fc.constantFrom(null, null, 0, 1),
      dedup: within,
      dedupRows: within,
    }),
    split: fc.record({
      trajectories: fc.oneof(fc.constant(['turns']), modes),
      gold: fc.subarray(['closing', 'rationale', 'answer'], { minLength: 1 }),
      noProgress: fc.constantFrom('truncate', 'chain'),
      changes: fc.oneof(fc.constant([...answerChanges]), fc.subarray([...answerChanges])),
      steps: fc.constantFrom(null, null, 1, 2),
      keep: fc.oneof(fc.constant([...unitKinds]), fc.subarray([...unitKinds])),
    }),
    balance: fc.record({
      ratio: fc.constantFrom(0, -1, 0.5, 1.5, 3),
      within: fc.constantFrom('pass', 'iteration', 'scope'),
      gold: fc.constantFrom('match', 'all'),
    }),
    order: fc.constantFrom('canonical', 'drawn'),
    limit: fc.record({
      rows: fc.constantFrom(null, null, 1, 8),
      kind: fc.constantFrom('soft', 'hard'),
      min: fc.constant(0),
    }),
  })
  .map((given): Policy => {
    const decoded = Policy.decode(given);
    if (E.isLeft(decoded)) throw new Error(`no policy: ${JSON.stringify(given)}`);
    return decoded.right;
  });

/** A row's sections and its end: a length that a policy with `maxTokens` can measure. */
export const countSections = (sections: readonly unknown[], end: boolean): number => sections.length + (end ? 1 : 0);
