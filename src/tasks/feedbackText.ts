import { compareStepIds, finalResponse, linesOf, readAttemptLine } from './attemptText';
import type { Verdict } from './task';

/** A wrong step as feedback names it. */
export interface Finding {
  /** `2`, `3.4` or `Final response`. */
  readonly step: string;
  readonly segment: string;
}

/** What is wrong in a step: an error class, candidate segments from narrow to wide, and the reason. */
export interface Fault {
  readonly errorClass: string;
  readonly segments: readonly string[];
  readonly reason: string;
}

export type ParsedFeedback =
  | { readonly kind: 'correct'; readonly lastStep: string | undefined }
  | ({ readonly kind: 'incorrect'; readonly reason: string } & Finding)
  /** Not in the grammar, or the verifier's `[ERROR]`. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** `Step (1) to (k) are correct` for the ids before a place; undefined where there are none. */
const whatIsCorrect = (before: readonly string[]): string | undefined => {
  const [first, last] = [before[0], before.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return first === last ? `Step (${first}) is correct` : `Step (${first}) to (${last}) are correct`;
};

/**
 * The closing feedback, with N the id of the last step: one form, where the original has three and counts nested lines
 * in one of them.
 */
export const renderCorrect = (steps: readonly string[]): string => {
  const correct = whatIsCorrect(steps);
  return correct === undefined
    ? 'The final response is also correct.'
    : `${correct}, and the final response is also correct.`;
};

const oneLine = (text: string): string => text.replace(/[\r\n\u2028\u2029]+/g, ' ').trim();

const asReason = (reason: string): string => oneLine(reason).replace(/\.$/, '').trimEnd();

/**
 * Feedback on a wrong step. `before`: the ids of the steps before it. The segment stands between its quotes without
 * the original's inner spaces, its reason without final period.
 */
export const renderIncorrect = (before: readonly string[], finding: Finding, reason: string): string => {
  const correct = whatIsCorrect(before);
  return (
    `${correct === undefined ? '' : `${correct}. `}In step (${finding.step}) the part "${oneLine(finding.segment)}" ` +
    `is incorrect. This is because ${asReason(reason)}.`
  );
};

/** The verdict `incorrect` with its text; segment and reason as the text holds them. */
export const incorrect = (
  before: readonly string[],
  found: Finding & { readonly reason: string; readonly errorClass: string },
): Verdict => {
  const { step, errorClass } = found;
  const [segment, reason] = [oneLine(found.segment), asReason(found.reason)];
  return { verdict: 'incorrect', step, segment, reason, errorClass, text: renderIncorrect(before, found, reason) };
};

/** The verdict `error`: what the verifier cannot read. */
export const unjudged = (errorClass: string, reason: string): Verdict => ({
  verdict: 'error',
  errorClass,
  reason,
  text: `[ERROR] ${reason}.`,
});

const stepId = String.raw`\d+(?:\.\d+)*`;
const closing = new RegExp(
  String.raw`^(?:Steps? \((${stepId})\)(?: to (?:step )?\((${stepId})\))? (?:is|are) correct, and the|The) final response is also correct\.?$`,
  'i',
);
const wrongStep = new RegExp(
  String.raw`^(?:Steps? \(${stepId}\)(?: to (?:step )?\(${stepId}\))? (?:is|are) correct\. )?` +
    String.raw`In step \((${stepId}|Final response)\),? the part "(.+?)" is incorrect\. This is because (.+)$`,
  'i',
);

/**
 * Reads one line of feedback, the historical forms included (`to step (N)`, `Step (1) is correct.`, padded segments).
 * As in the original, whatever says "final response is also correct" closes.
 */
export const parseFeedback = (text: string): ParsedFeedback => {
  const line = text.trim();
  if (line.includes('\n')) return { kind: 'unreadable', reason: 'feedback is one line' };
  if (line.includes('[ERROR]')) return { kind: 'unreadable', reason: 'the verifier could not judge' };
  const [, step, segment, reason] = wrongStep.exec(line) ?? [];
  if (step !== undefined && segment !== undefined && reason !== undefined && segment.trim() !== '') {
    const id = step.toLowerCase() === finalResponse.toLowerCase() ? finalResponse : step;
    return { kind: 'incorrect', step: id, segment: segment.trim(), reason: asReason(reason) };
  }
  const closed = closing.exec(line);
  if (closed) return { kind: 'correct', lastStep: closed[2] ?? closed[1] };
  if (/final response is also correct/i.test(line)) return { kind: 'correct', lastStep: undefined };
  return { kind: 'unreadable', reason: 'it is neither "… is incorrect. This is because …" nor the closing form' };
};

const bare = (segment: string): string => segment.trim().replace(/\.$/, '').trim();

/**
 * Whether two findings name the same place: the same step, and one segment contained in the other, inner spaces and a
 * final period left aside.
 */
export const sameFinding = (a: Finding, b: Finding): boolean => {
  if (a.step !== b.step) return false;
  const [left, right] = [bare(a.segment), bare(b.segment)];
  return left.includes(right) || right.includes(left);
};

/**
 * Whether feedback moved forward since the previous error: correct, a later step, or the same step with another
 * segment. `order: 'text'` compares ids as strings, as the original does in word sorting.
 */
export const madeProgress = (
  previous: Finding,
  next: ({ readonly verdict: 'incorrect' } & Finding) | { readonly verdict: 'correct' } | { readonly verdict: 'error' },
  { order = 'numeric' }: { readonly order?: 'numeric' | 'text' } = {},
): boolean => {
  if (next.verdict !== 'incorrect') return next.verdict === 'correct';
  const byText = next.step === previous.step ? 0 : next.step > previous.step ? 1 : -1;
  const difference = order === 'numeric' ? compareStepIds(next.step, previous.step) : byText;
  return difference === 0 ? !sameFinding(previous, next) : difference > 0;
};

/**
 * Whether a line still holds a segment. Spaces around the segment and the line's final period are left aside (the
 * original misses a padded segment that ends a line). The segment must not begin or end inside a
 * number or word, so that `= 1` is not found in `= 17`. A segment that itself ends in a period must end the line.
 */
export const hasSegment = (line: string, segment: string): boolean => {
  const text = line.trim().replace(/\.$/, '');
  const sought = bare(segment);
  if (sought === '') return false;
  const isWord = (character: string | undefined): boolean => character !== undefined && /\w/.test(character);
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + 1)) {
    const end = at + sought.length;
    const startsInside = isWord(text[at]) && isWord(text[at - 1]);
    const endsInside = isWord(text[end - 1]) && isWord(text[end]);
    const endsLine = end === text.length || !segment.trim().endsWith('.');
    if (!startsInside && !endsInside && endsLine) return true;
  }
  return false;
};

/** The first of some segments, narrowest first, that the corrected line no longer holds; else the last of them. */
export const narrowestSegment = (candidates: readonly string[], correctedLine: string): string =>
  candidates.find((candidate) => bare(candidate) !== '' && !hasSegment(correctedLine, candidate)) ??
  candidates.at(-1) ??
  '';

/**
 * Whether an update may follow a verdict: it ends in a final response with "the answer is", asks no new question,
 * leaves the lines before the wrong step unchanged, and changes the line in its place so that the segment is gone.
 */
export const legalUpdate = (
  previousAttempt: string,
  verdict: Verdict,
  update: string,
): { readonly legal: true } | { readonly legal: false; readonly reason: string } => {
  const no = (reason: string): { readonly legal: false; readonly reason: string } => ({ legal: false, reason });
  if (verdict.verdict !== 'incorrect') return no(`the verdict is "${verdict.verdict}", so there is nothing to update`);
  const before = linesOf(previousAttempt);
  const after = linesOf(update);
  const at = before.findIndex((line) => readAttemptLine(line)?.id === verdict.step);
  if (at < 0) return no(`the attempt has no step (${verdict.step})`);
  const last = readAttemptLine(after.at(-1) ?? '');
  if (last?.id !== finalResponse) return no('the last line is not the final response');
  if (!/the answer is/i.test(last.text)) return no('the final response does not say "the answer is"');
  if (update.includes('Q:')) return no('the update asks another question');
  const altered = before.slice(0, at).findIndex((line, i) => after[i] !== line);
  if (altered >= 0) return no(`line ${altered + 1}, before the wrong step, is altered`);
  const line = after[at];
  if (line === undefined) return no('the update ends before the wrong step');
  if (line === before[at]) return no(`step (${verdict.step}) is unchanged`);
  if (hasSegment(line, verdict.segment)) return no(`the part "${bare(verdict.segment)}" is still there`);
  return { legal: true };
};
