import { finalResponse, linesOf, readAttemptLine, splitAttempt } from '../tasks/attemptText';
import { hasSegment, incorrect, legalUpdate, renderCorrect } from '../tasks/feedbackText';
import type { Verdict } from '../tasks/task';
import type { Finish } from '../../events/generationProduced';
import { inOtherLanguage } from './language';

/** Why a reply of a large model is not let in. */
export const replyRules = {
  'reply-truncated': 'the reply ends before it is over',
  'reply-other-language': 'the reply is not in English',
  'reply-format': 'the reply is not in the form that was asked for',
  'no-such-step': 'the feedback is about a step that the answer does not have',
  'part-not-in-step': 'the part that is called wrong does not stand in that step',
  'accepts-wrong-answer': 'the feedback finds nothing wrong, and the answer is not the right one',
  'rewrites-earlier-steps': 'the update changes a step before the wrong one',
  'step-unchanged': 'the update leaves the wrong step as it is',
  'part-still-there': 'the update keeps the part that is wrong',
  'asks-again': 'the reply asks a question of its own',
} as const;
export type ReplyRule = keyof typeof replyRules;

export interface RefusedReply {
  readonly rule: ReplyRule;
  readonly expected: string;
  readonly got: string;
}

export type ReadReply<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & RefusedReply);

const refuse = (rule: ReplyRule, expected: string, got: string): { readonly ok: false } & RefusedReply => ({
  ok: false,
  rule,
  expected,
  got: got.length > 200 ? `${got.slice(0, 197)}...` : got,
});

/** A finding in the form in which a teacher gives it; undefined where there is none to give. */
export const renderFinding = (verdict: Verdict): string | undefined => {
  if (verdict.verdict === 'correct') return 'Step: none';
  if (verdict.verdict === 'error') return undefined;
  return `Step: (${verdict.step})\nPart: ${verdict.segment}\nReason: ${verdict.reason}.`;
};

/** What is wrong with any reply, before its form is looked at. */
const unfit = (text: string, finish: Finish): ReturnType<typeof refuse> | undefined => {
  if (finish === 'length')
    return refuse('reply-truncated', 'a whole reply', `it was cut off behind ${text.length} characters`);
  if (text.trim() === '') return refuse('reply-format', 'a reply', 'an empty one');
  return undefined;
};

const other = (text: string): ReturnType<typeof refuse> | undefined =>
  inOtherLanguage(text) ? refuse('reply-other-language', 'English', text) : undefined;

const findingForm = /^Step: \(?([^()\n]+?)\)?\nPart: (.+)\nReason: (.+)$/;
const noneForm = /^Step: none$/i;

/**
 * Reads FBK's reply: three lines `Step:`, `Part:`, `Reason:`, or `Step: none`. The step must be one of the answer's, the part
 * must stand in it, and nothing may be found wrong only in an answer that is right.
 */
export const readFeedback = (
  text: string,
  finish: Finish,
  attempt: string,
  answerCorrect: boolean,
): ReadReply<Verdict> => {
  const bad = unfit(text, finish);
  if (bad !== undefined) return bad;
  const reply = text.trim().replaceAll('\r\n', '\n');
  const lines = linesOf(attempt).flatMap((line) => readAttemptLine(line) ?? []);
  const steps = lines.filter(({ id }) => id !== finalResponse).map(({ id }) => id);
  if (noneForm.test(reply)) {
    if (!answerCorrect) return refuse('accepts-wrong-answer', 'a wrong step', 'Step: none');
    return { ok: true, value: { verdict: 'correct', text: renderCorrect(steps) } };
  }
  const [, named = '', part = '', reason = ''] = findingForm.exec(reply) ?? [];
  const foreign = other(named === '' ? reply : reason);
  if (foreign !== undefined) return foreign;
  if (named === '') return refuse('reply-format', 'the lines Step:, Part: and Reason:, or Step: none', reply);
  const id = named.trim().toLowerCase() === finalResponse.toLowerCase() ? finalResponse : named.trim();
  const line = lines.find((each) => each.id === id);
  if (line === undefined)
    return refuse('no-such-step', `one of ${lines.map((each) => `(${each.id})`).join(', ')}`, `(${id})`);
  const segment = part
    .trim()
    .replace(/^"(.*)"$/, (whole, inner: string) => (line.text.includes(whole) ? whole : inner));
  if (!line.text.includes(segment) && !hasSegment(line.text, segment))
    return refuse('part-not-in-step', `words of step (${id}): ${line.text}`, segment);
  const before = lines.slice(0, lines.indexOf(line)).map((each) => each.id);
  return { ok: true, value: incorrect(before, { step: id, segment, reason, errorClass: 'teacher' }) };
};

const reasons: readonly (readonly [RegExp, ReplyRule])[] = [
  [/before the wrong step, is altered|ends before the wrong step/, 'rewrites-earlier-steps'],
  [/is unchanged/, 'step-unchanged'],
  [/is still there/, 'part-still-there'],
  [/asks another question/, 'asks-again'],
];

/** Reads IMP's reply: a whole answer, steps and final response, which changes nothing before the step that was wrong. */
export const readImprovement = (text: string, finish: Finish, attempt: string, verdict: Verdict): ReadReply<string> => {
  const answer = readAnswer(text, finish);
  if (!answer.ok) return answer;
  const legal = legalUpdate(attempt, verdict, answer.value);
  if (legal.legal) return answer;
  const rule = reasons.find(([pattern]) => pattern.test(legal.reason))?.[1] ?? 'reply-format';
  return refuse(rule, 'an update that mends the wrong step and keeps what stands before it', legal.reason);
};

/** Reads an answer: steps in order and a final response, one a line. */
export const readAnswer = (text: string, finish: Finish): ReadReply<string> => {
  const bad = unfit(text, finish);
  if (bad !== undefined) return bad;
  const body = text.replace(/^\n+/, '').trimEnd().replaceAll('\r\n', '\n');
  const split = splitAttempt(body);
  if (split.ok) return { ok: true, value: body };
  const foreign = other(body);
  if (foreign !== undefined) return foreign;
  if (/^\s*Q:/m.test(body)) return refuse('asks-again', 'an answer', body);
  return refuse('reply-format', 'numbered steps and a final response, one a line', split.reason);
};
