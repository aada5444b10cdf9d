import * as E from 'fp-ts/Either';
import { answerVerified } from '../../events/answerVerified';
import { attemptMade } from '../../events/attemptMade';
import type { Author, ModelRef } from '../../events/codecs';
import { collectionOfRun } from '../../events/collectionOfRun';
import type { EventDefinition } from '../../events/defineEvent';
import { contentId, sha256, type Digest } from '../../events/digest';
import { leafHash, positionOf } from '../../events/envelope';
import { feedbackGiven } from '../../events/feedbackGiven';
import { generationProduced, notAsked } from '../../events/generationProduced';
import { improvementProduced } from '../../events/improvementProduced';
import { decodeEvent, type EventType, type LedgerEvent } from '../../events/index';
import { problemPosed } from '../../events/problemPosed';
import { trajectoryClosed } from '../../events/trajectoryClosed';
import { turnRefused } from '../../events/turnRefused';

/** A ledger in memory, as decoded events: revisions, chain and leaves as a real log gives them, times all the same. */
export class LedgerBuilder {
  readonly events: LedgerEvent[] = [];
  private readonly heads = new Map<string, { readonly revision: number; readonly leaf: Digest }>();
  private readonly ids = new Set<string>();

  /** Appends one event unless it is there already, and returns its id. */
  add<Data>(definition: EventDefinition<EventType, Data>, data: Data): string {
    const created = definition.create(data);
    if (this.ids.has(created.id)) return created.id;
    this.ids.add(created.id);
    const stream = definition.stream(data);
    const head = this.heads.get(stream);
    const revision = head === undefined ? 0 : head.revision + 1;
    const meta = { ...created.meta, prev: head?.leaf ?? null };
    const leaf = leafHash({ ...created, stream, revision, meta });
    this.heads.set(stream, { revision, leaf });
    const position = positionOf(this.events.length + 1);
    const recordedAt = '2026-11-24T00:00:00.000Z';
    const decoded = decodeEvent({ ...created, position, stream, revision, meta, leaf, recordedAt, observed: null });
    if (E.isLeft(decoded)) throw new Error(decoded.left.details.join('; '));
    this.events.push(decoded.right);
    return created.id;
  }
}

export const header = "Answer: Let's think step by step.";
export const baseCheckpoint = sha256('base checkpoint');
export const trainedCheckpoint = sha256('checkpoint after iteration 1');
export const environment = {
  node: 'v20.19.0',
  platform: 'linux',
  arch: 'x64',
  cpu: 'test',
  provider: 'cpu',
  packages: {},
};

export const closingFeedback = '\nFeedback: Step (1) to (2) are correct, and the final response is also correct.';
export const errorFeedback = (wrong: number, step = 2): string =>
  `\nFeedback: Step (1) is correct. In step (${step}) the part "${wrong}" is incorrect. This is because it is not the sum.`;

/** An attempt at `a + b` whose second step says `sum`. */
export const attemptText = (a: number, b: number, sum: number): string =>
  `\n(1) The question asks for ${a} + ${b}.\n(2) ${a} + ${b} = ${sum}.\n(Final response) So the answer is ${sum}.`;
export const updateText = (a: number, b: number, sum: number): string => `\nUpdated ${header}${attemptText(a, b, sum)}`;

export interface Sum {
  readonly problemId: string;
  readonly a: number;
  readonly b: number;
  /** Its class; `two` where left out. */
  readonly cell?: string;
}

/** Poses `a + b =` in a problem set, with gold rationale and closing feedback unless `gold` is false. */
export const pose = (
  ledger: LedgerBuilder,
  { problemId, a, b, cell = 'two' }: Sum,
  options: { readonly set?: string; readonly split?: 'train' | 'dev' | 'test'; readonly gold?: boolean } = {},
): string => {
  const gold = options.gold !== false;
  return ledger.add(problemPosed, {
    problemId,
    set: options.set ?? 'sums',
    task: 'sums',
    question: `${a} + ${b} =`,
    options: null,
    prompt: `Q: ${a} + ${b} =\n${header}`,
    answer: String(a + b),
    rationale: gold ? attemptText(a, b, a + b) : null,
    closingFeedback: gold ? closingFeedback : null,
    split: options.split ?? 'train',
    cell,
    seen: true,
    source: { kind: 'generated', config: {}, seed: 0, index: a },
  });
};

export interface TrajectorySpec {
  readonly runId?: string;
  readonly iteration?: number;
  readonly pass?: number;
  readonly sum: Sum;
  readonly model?: ModelRef;
  /** What step 2 of each attempt says, in order; right when it is the sum. Empty: nothing could be read. */
  readonly says: readonly number[];
  /** Author of the updates; the student's own feedback goes with its own updates. */
  readonly improver?: Author;
  readonly attemptAuthor?: Author;
  /** Of the student's call; none where left out. */
  readonly logprobs?: number[];
  readonly outcome?: 'solved' | 'feedback-only' | 'discarded' | 'open';
  readonly reason?: string;
}

export const trajectoryIdOf = (spec: TrajectorySpec): string =>
  contentId(['trajectory', spec.runId ?? 'run-a', spec.iteration ?? 1, spec.pass ?? 0, spec.sum.problemId]);

/** Writes one trajectory, from the student's call to its closing, and returns its id. */
export const addTrajectory = (ledger: LedgerBuilder, spec: TrajectorySpec): string => {
  const trajectoryId = trajectoryIdOf(spec);
  const { a, b, problemId } = spec.sum;
  const iteration = spec.iteration ?? 1;
  const collectionId = collectionOfRun(spec.runId ?? 'run-a', iteration);
  const place = { collectionId, iteration, pass: spec.pass ?? 0, problemId };
  const improver = spec.improver ?? 'script';
  const attemptAuthor = spec.attemptAuthor ?? 'student';
  const first = spec.says[0];
  const text = first === undefined ? '\nI do not know.' : attemptText(a, b, first) + closingFeedback;
  const generationId = ledger.add(generationProduced, {
    ...place,
    trajectoryId,
    call: 0,
    author: attemptAuthor,
    model: spec.model ?? { kind: 'checkpoint', digest: baseCheckpoint },
    prompt: `Q: ${a} + ${b} =\n${header}`,
    text,
    tokenIds: null,
    logprobs: spec.logprobs ?? null,
    finish: 'eos',
    sampling: { temperature: 1, topK: null, topP: null, maxTokens: 512 },
    seedKey: [40, place.pass, problemId],
    usage: { promptTokens: 10, completionTokens: 20 },
    price: null,
    served: null,
    ...notAsked,
  });
  let previous = { attemptId: '', feedbackId: '' };
  for (const [round, sum] of spec.says.entries()) {
    const right = sum === a + b;
    const own = improver === 'student';
    const from = own ? generationId : null;
    const attempt = attemptText(a, b, sum);
    const attemptId =
      round === 0
        ? ledger.add(attemptMade, {
            trajectoryId,
            round,
            author: attemptAuthor,
            generationId,
            start: 0,
            end: attempt.length,
            text: attempt,
          })
        : ledger.add(improvementProduced, {
            trajectoryId,
            round,
            author: improver,
            ...previous,
            text: updateText(a, b, sum),
            generationId: from,
            start: null,
            end: null,
          });
    const found = right
      ? ({ verdict: 'correct', step: null, segment: null, reason: null } as const)
      : ({ verdict: 'incorrect', step: '2', segment: String(sum), reason: 'it is not the sum' } as const);
    ledger.add(answerVerified, {
      trajectoryId,
      round,
      attemptId,
      author: 'script',
      answer: String(sum),
      answerCorrect: right,
      ...found,
    });
    if (!right && !own) {
      ledger.add(turnRefused, {
        trajectoryId,
        round,
        turn: 'feedback',
        author: 'student',
        text: closingFeedback,
        rule: 'disagrees-with-fbk',
        expected: 'incorrect at 2',
        got: 'correct',
        generationId,
      });
    }
    const feedbackId = ledger.add(feedbackGiven, {
      trajectoryId,
      round,
      author: own ? 'student' : 'script',
      attemptId,
      text: right ? closingFeedback : errorFeedback(sum),
      ...found,
      generationId: from,
      start: null,
      end: null,
    });
    previous = { attemptId, feedbackId };
  }
  const last = spec.says[spec.says.length - 1];
  const outcome = spec.outcome ?? (last === a + b ? 'solved' : 'discarded');
  if (outcome === 'open') return trajectoryId;
  const reason =
    spec.reason ??
    {
      solved: last === spec.says[0] ? 'right-first-time' : 'improved',
      'feedback-only': 'no-progress',
      discarded: 'max-updates',
    }[outcome];
  const updates = Math.max(0, spec.says.length - 1);
  ledger.add(trajectoryClosed, { ...place, trajectoryId, outcome, reason, detail: null, updates });
  return trajectoryId;
};

/** Problem n is n + 10n. */
export const sum = (n: number): Sum => ({ problemId: `p${n}`, a: n, b: 10 * n });
