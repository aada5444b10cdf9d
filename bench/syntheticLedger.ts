import { answerVerified } from '../events/answerVerified';
import { attemptMade } from '../events/attemptMade';
import { collectionIdOf, collectionStarted, type CollectionInputs } from '../events/collectionStarted';
import { contentId } from '../events/digest';
import type { NewEvent } from '../events/envelope';
import { feedbackGiven } from '../events/feedbackGiven';
import { generationProduced, notAsked } from '../events/generationProduced';
import { improvementProduced } from '../events/improvementProduced';
import { problemPosed } from '../events/problemPosed';
import { trajectoryClosed } from '../events/trajectoryClosed';
import { words } from '../projections/random';

/** One append of a synthetic ledger. */
export interface Append {
  readonly stream: string;
  readonly events: readonly NewEvent[];
}

/** Trajectories that are under way at the same time. */
const together = 8;
/** How often each problem is answered: a pass is what the tripost preset balances on its own. */
const passes = 20;
const set = 'bench';

const student = { kind: 'checkpoint', digest: 'c'.repeat(64) } as const;
const sampling = { temperature: 1, topK: null, topP: null, maxTokens: 256 };

const inputsOf = (seed: number): CollectionInputs => ({
  iteration: 1,
  student,
  problemSet: set,
  seed,
  settings: {
    sampling,
    maxCalls: 1,
    maxUpdates: 3,
    overCorrection: 'off',
    stepOrder: 'first-wrong',
    noProgress: 'feedback-only',
    rightAnswer: 'any',
  },
  editor: { author: 'script', model: null, prompts: null },
});

const questionOf = (i: number): string =>
  `(((${i} + 3) - (${i % 7} - 5)) * ((${i % 11} + 2) - (${i % 13} - 9))) + ((${i % 17} - 4) * ${i % 5}) =`;

const promptOf = (i: number): string =>
  `Q: ${questionOf(i)}\nSolve it step by step, one operation at a time, and end with the final response.\nAnswer: Let's think step by step.`;

const problem = (i: number, seed: number): NewEvent & { readonly problemId: string } => {
  const question = questionOf(i);
  const problemId = contentId(['problem', 'multistep-arithmetic', question, null]);
  const created = problemPosed.create({
    problemId,
    set,
    task: 'multistep-arithmetic',
    question,
    options: null,
    prompt: promptOf(i),
    answer: String(i),
    rationale: stepsOf(i, 5, 0, 0, i),
    closingFeedback: '\nFeedback: Step (1) to (5) are correct, and the final response is also correct.',
    split: 'train',
    cell: '3-[2]',
    seen: true,
    source: { kind: 'generated', config: {}, seed, index: i },
  });
  return { ...created, problemId };
};

/** A rationale of so many steps; `variant` makes it another text, `answer` is what it comes to. */
const stepsOf = (i: number, steps: number, pass: number, variant: number, answer: number): string => {
  let text = '';
  for (let step = 1; step <= steps; step++)
    text += `\n(${step}) The part (${i} + ${step}) - (${(i + variant) % 97} - ${step}) is equal to ${i + pass * 31 + step * 7 + (variant % 89)}, so what is left is ${(variant * step) % 9973}.`;
  return `${text}\n(Final response) So the answer is ${answer}.`;
};

/**
 * A lawful ledger of exactly so many events, seeded: problems, then twenty trajectories at each of them in one collection.
 * Of the trajectories 6 in 100 are discarded, 7 get feedback only, 4 say what another one said; half of the others need one
 * or two updates. Events are of 0.4 to 5 KB, a generation being the largest. The last trajectory may be cut off, as by a crash.
 */
export function* syntheticLedger(events: number, seed: number): Generator<Append> {
  const made = { events: 0 };
  const isWhole = (): boolean => made.events >= events;
  const cut = (append: Append): Append => {
    const some = append.events.slice(0, events - made.events);
    made.events += some.length;
    return { ...append, events: some };
  };
  const inputs = inputsOf(seed);
  const collectionId = collectionIdOf(inputs);
  const started = { collectionId, ...inputs };
  yield cut({ stream: collectionStarted.stream(started), events: [collectionStarted.create(started)] });
  const count = Math.max(4, Math.round(events / (passes * 6.6)));
  const problems: string[] = [];
  for (let i = 0; i < count && !isWhole(); i++) {
    const { problemId, ...event } = problem(i, seed);
    problems.push(problemId);
    yield cut({ stream: `problems-${set}`, events: [event] });
  }
  const waiting: Append[] = [];
  for (let n = 0; !isWhole(); n++) {
    const i = n % count;
    const [first, rest] = trajectory(i, problems[i] ?? '', Math.floor(n / count), seed, collectionId);
    yield cut(first);
    waiting.push(rest);
    const next = waiting.length > together ? waiting.shift() : undefined;
    if (next !== undefined && !isWhole()) yield cut(next);
  }
}

/** A trajectory in two appends: up to its first feedback, and the rest. */
const trajectory = (
  i: number,
  problemId: string,
  pass: number,
  seed: number,
  collectionId: string,
): readonly [Append, Append] => {
  const trajectoryId = contentId(['trajectory', collectionId, pass, problemId]);
  const stream = `trajectory-${trajectoryId}`;
  const place = { collectionId, iteration: 1, pass, problemId, trajectoryId };
  const [fate = 0, length = 0, draw = 0] = words([seed, 'trajectory', pass, i], 3);
  const chance = fate / 2 ** 32;
  const repeats = chance < 0.04;
  const steps = 4 + (repeats ? 1 : length % 9);
  const variant = repeats ? 1 : draw % 100_003;
  const updates = chance < 0.5 ? 0 : chance < 0.8 ? 1 : chance < 0.87 ? 2 : 0;
  const ending = chance < 0.87 ? 'solved' : chance < 0.94 ? 'feedback-only' : 'discarded';
  const right = ending === 'solved' && updates === 0;
  const text = stepsOf(i, steps, repeats ? 0 : pass, variant, right ? i : i + 1);
  const tokens = Math.round(text.length / 4);
  const generation = generationProduced.create({
    ...place,
    call: 0,
    author: 'student',
    model: student,
    prompt: promptOf(i),
    text,
    tokenIds: Array.from({ length: tokens }, (_, k) => (k * 7 + variant) % 32_000),
    logprobs: Array.from({ length: tokens }, (_, k) => -((k * 13 + variant) % 9973) / 8192),
    finish: 'eos',
    sampling,
    seedKey: [seed, 'attempt', 1, pass, problemId],
    usage: { promptTokens: 60, completionTokens: tokens },
    price: null,
    served: null,
    ...notAsked,
  });
  if (ending === 'discarded') {
    const closed = { ...place, outcome: 'discarded' as const, reason: 'unreadable-attempt', detail: null, updates: 0 };
    return [
      { stream, events: [generation] },
      { stream, events: [trajectoryClosed.create(closed)] },
    ];
  }
  const judged = (round: number, attemptId: string, isRight: boolean): readonly NewEvent[] => {
    const step = isRight ? null : String(1 + ((draw + round) % steps));
    const segment = isRight ? null : `(${i} + ${step}) - (${(i + variant) % 97} - ${step})`;
    const reason = isRight ? null : 'it is not equal to what is left of the question after the steps before';
    const found = { trajectoryId, round, author: 'script' as const, attemptId, step, segment, reason };
    const verdict = isRight ? ('correct' as const) : ('incorrect' as const);
    const says = isRight
      ? `\nFeedback: Step (1) to (${steps}) are correct, and the final response is also correct.`
      : `\nFeedback: Step (1) to (${step}) were looked at one by one. In step (${step}) the part "${segment}" is incorrect. This is because ${reason}.`;
    return [
      answerVerified.create({ ...found, answer: String(isRight ? i : i + 1), answerCorrect: isRight, verdict }),
      feedbackGiven.create({ ...found, text: says, verdict, generationId: null, start: null, end: null }),
    ];
  };
  const written = { trajectoryId, author: 'student' as const, generationId: generation.id };
  const attempt = attemptMade.create({ ...written, round: 0, start: 0, end: text.length, text });
  const first = judged(0, attempt.id, right);
  const rest: NewEvent[] = [];
  let [attemptId, feedbackId] = [attempt.id, first[1]?.id ?? ''];
  for (let round = 1; round <= updates; round++) {
    const better = stepsOf(i, steps, pass, variant + round, round === updates ? i : i + 1);
    const update = improvementProduced.create({
      trajectoryId,
      round,
      author: 'script',
      attemptId,
      feedbackId,
      text: `\nUpdated Answer: Let's think step by step.${better}`,
      generationId: null,
      start: null,
      end: null,
    });
    const found = judged(round, update.id, round === updates);
    rest.push(update, ...found);
    [attemptId, feedbackId] = [update.id, found[1]?.id ?? ''];
  }
  const reason = ending === 'feedback-only' ? 'no-progress' : updates > 0 ? 'improved' : 'right-first-time';
  rest.push(trajectoryClosed.create({ ...place, outcome: ending, reason, detail: null, updates }));
  return [
    { stream, events: [generation, attempt, ...first] },
    { stream, events: rest },
  ];
};
