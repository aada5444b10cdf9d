import type { Trajectories } from '../trajectory';
import { carriedBy } from './labelRules';
import type { Asked } from './scope';
import type { Unit } from './split';

/** What a rule of a module is shown: plain values, frozen, of which docs/policies.md has the shape. */

const frozen = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) {
    for (const below of Object.values(value)) frozen(below);
    Object.freeze(value);
  }
  return value;
};

const plain = (asked: Asked, all: Pick<Trajectories, 'labels'>) => {
  const { trajectory, problem } = asked;
  const { trajectoryId, place, turns, verifications, calls, closing } = trajectory;
  return {
    id: trajectoryId,
    iteration: place?.iteration ?? null,
    pass: place?.pass ?? null,
    outcome: closing?.outcome ?? null,
    reason: closing?.reason ?? null,
    problem:
      problem === undefined
        ? null
        : {
            id: problem.problem.problemId,
            set: problem.problem.set,
            prompt: problem.problem.prompt,
            answer: problem.problem.answer,
          },
    turns: turns.map(({ kind, author, text, round, verdict, step }) => ({ kind, author, text, round, verdict, step })),
    answers: verifications.map(({ round, answer, answerCorrect }) => ({ round, answer, correct: answerCorrect })),
    calls: calls.map(({ call, author, model, meanLogprob }) => ({ call, author, model: { ...model }, meanLogprob })),
    labels: carriedBy(asked, all, null).map(({ label, by }) => ({ label, by })),
  };
};

export const trajectoryView = (asked: Asked, all: Pick<Trajectories, 'labels'>): unknown => frozen(plain(asked, all));

/** `trajectory` is null on a row of gold. */
export const rowView = (
  { id, kind, bucket, sections, end, trajectory, problem }: Unit,
  all: Pick<Trajectories, 'labels'>,
): unknown =>
  frozen({
    id,
    kind,
    bucket,
    end,
    sections: sections.map(({ kind: section, text, author }) => ({ kind: section, text, author })),
    problem: {
      id: problem.problem.problemId,
      set: problem.problem.set,
      prompt: problem.problem.prompt,
      answer: problem.problem.answer,
    },
    trajectory: trajectory === null ? null : plain({ trajectory, problem }, all),
  });
