import type { NewEvent } from '../events/envelope';
import { answerVerified } from '../events/answerVerified';
import { attemptMade } from '../events/attemptMade';
import { contentId } from '../events/digest';
import { feedbackGiven } from '../events/feedbackGiven';
import { generationProduced, notAsked } from '../events/generationProduced';
import { improvementProduced } from '../events/improvementProduced';
import { problemPosed } from '../events/problemPosed';
import { trajectoryClosed } from '../events/trajectoryClosed';
import { draws } from '../projections/random';

/** One append of a synthetic ledger. */
export interface Append {
  readonly stream: string;
  readonly events: readonly NewEvent[];
}

const collectionId = contentId(['collection', 'bench']);
const checkpoint = 'c'.repeat(64);

/** A lawful ledger of any size, seeded: `problems` problems, `passes` trajectories each; about half need one update. */
export function* syntheticLedger(problems: number, passes: number, seed: number): Generator<Append> {
  const ids: string[] = [];
  for (let i = 0; i < problems; i++) {
    const question = `((${i} + 3) - (${i % 7} - 5)) =`;
    const problemId = contentId(['problem', 'multistep-arithmetic', question, null]);
    ids.push(problemId);
    const data = {
      problemId,
      set: 'bench',
      task: 'multistep-arithmetic',
      question,
      options: null,
      prompt: `Q: ${question}\nAnswer: Let's think step by step.`,
      answer: String(i),
      rationale: `\n(1) This equation can be written as "(A - B)".\n(Final response) So the answer is ${i}.`,
      closingFeedback: '\nFeedback: Step (1) is correct, and the final response is also correct.',
      split: 'train' as const,
      cell: '2-[2]',
      seen: true,
      source: { kind: 'generated' as const, config: {}, seed, index: i },
    };
    yield { stream: problemPosed.stream(data), events: [problemPosed.create(data)] };
  }
  for (let pass = 0; pass < passes; pass++)
    for (const [i, problemId] of ids.entries()) yield trajectory(i, problemId, pass, seed);
}

const trajectory = (i: number, problemId: string, pass: number, seed: number): Append => {
  const trajectoryId = contentId(['trajectory', collectionId, pass, problemId]);
  const wrong = draws([seed, 'wrong', pass, problemId]).uniform(0) < 0.5;
  const text = `\n(1) This equation can be written as "(A - B)", attempt ${pass} ${draws([seed, 'text', pass, i]).integer(0, 1e9)}.\n(Final response) So the answer is ${i}.`;
  const generation = generationProduced.create({
    collectionId,
    iteration: 1,
    pass,
    problemId,
    trajectoryId,
    call: 0,
    author: 'student',
    model: { kind: 'checkpoint', digest: checkpoint },
    prompt: `Q: ${i}`,
    text,
    tokenIds: Array.from({ length: 40 }, (_, k) => (k * 7 + i) % 400),
    logprobs: Array.from({ length: 40 }, (_, k) => -((k * 13 + i) % 97) / 100),
    finish: 'eos',
    sampling: { temperature: 1, topK: null, topP: null, maxTokens: 96 },
    seedKey: [seed, 'attempt', 1, pass, problemId],
    usage: { promptTokens: 20, completionTokens: 40 },
    price: null,
    served: null,
    ...notAsked,
  });
  const attempt = attemptMade.create({
    trajectoryId,
    round: 0,
    author: 'student',
    generationId: generation.id,
    start: 0,
    end: text.length,
    text,
  });
  const judged = (round: number, attemptId: string, right: boolean): readonly NewEvent[] => [
    answerVerified.create({
      trajectoryId,
      round,
      attemptId,
      author: 'script',
      answer: String(i),
      answerCorrect: right,
      verdict: right ? 'correct' : 'incorrect',
      step: right ? null : '1',
      segment: right ? null : 'attempt',
      reason: right ? null : 'it is not equal to the question',
    }),
    feedbackGiven.create({
      trajectoryId,
      round,
      author: 'script',
      attemptId,
      text: right
        ? '\nFeedback: Step (1) is correct, and the final response is also correct.'
        : '\nFeedback: In step (1) the part "attempt" is incorrect. This is because it is not equal to the question.',
      verdict: right ? 'correct' : 'incorrect',
      step: right ? null : '1',
      segment: right ? null : 'attempt',
      reason: right ? null : 'it is not equal to the question',
      generationId: null,
      start: null,
      end: null,
    }),
  ];
  const first = judged(0, attempt.id, !wrong);
  const events: NewEvent[] = [generation, attempt, ...first];
  if (wrong) {
    const update = improvementProduced.create({
      trajectoryId,
      round: 1,
      author: 'script',
      attemptId: attempt.id,
      feedbackId: first[1]?.id ?? '',
      text: `\nUpdated Answer: Let's think step by step.${text}`,
      generationId: null,
      start: null,
      end: null,
    });
    events.push(update, ...judged(1, update.id, true));
  }
  const reason = wrong ? 'improved' : 'right-first-time';
  events.push(
    trajectoryClosed.create({
      collectionId,
      iteration: 1,
      pass,
      problemId,
      trajectoryId,
      outcome: 'solved',
      reason,
      detail: null,
      updates: wrong ? 1 : 0,
    }),
  );
  return { stream: `trajectory-${trajectoryId}`, events };
};
