import { finalResponse, splitAttempt } from '../attemptText';
import { type Fault, incorrect, narrowestSegment, renderCorrect, unjudged } from '../feedbackText';
import type { Problem, Verdict } from '../task';
import {
  afterStep,
  type Due,
  dueIn,
  dueText,
  type Frame,
  groupsAt,
  initialState,
  nextId,
  sameWords,
  sorted,
} from './derivation';
import {
  type Entry,
  letterAt,
  orderText,
  ordinalOf,
  rankOf,
  readList,
  readStep,
  type Step,
  subpartText,
} from './steps';

/** Words in the order of the list they come from; the original prints sets in Python's order. */
const quoted = (words: readonly string[]): string => words.map((word) => `"${word}"`).join(', ');

/** The first word that repeats, or that does not belong, or else all that are missing. */
const judgeWords = (
  found: readonly string[],
  expected: readonly string[],
  where: string,
): { readonly errorClass: string; readonly at: number; readonly reason: string } | undefined => {
  for (const [at, word] of found.entries()) {
    if (!expected.includes(word)) return { errorClass: 'foreign-word', at, reason: `"${word}" is not in ${where}` };
    if (found.indexOf(word) < at) return { errorClass: 'duplicate-word', at, reason: `"${word}" appears twice` };
  }
  const missing = expected.filter((word) => !found.includes(word));
  if (missing.length === 0) return undefined;
  return {
    errorClass: 'missing-word',
    at: -1,
    reason: `${quoted(missing)} from ${where} ${missing.length > 1 ? 'are' : 'is'} missing`,
  };
};

const judgeEntries = (
  step: Step & { kind: 'letters' },
  words: readonly string[],
  where: string,
  text: string,
): Fault | undefined => {
  const problem = judgeWords(
    step.entries.map((entry) => entry.word),
    words,
    where,
  );
  const judgeLetter = (entry: Entry): Fault | undefined => {
    const letter = letterAt(entry.word, step.position);
    const fault = (errorClass: string, reason: string): Fault => ({ errorClass, reason, segments: [entry.text, text] });
    if (entry.letter !== letter) {
      return fault('wrong-letter', `the ${ordinalOf(step.position)} letter of "${entry.word}" is "${letter}"`);
    }
    const rank = rankOf(letter);
    return entry.rank === rank ? undefined : fault('wrong-rank', `the rank of "${letter}" should be (${rank})`);
  };
  for (const [at, entry] of step.entries.entries()) {
    if (problem?.at === at) {
      const first = step.entries.findIndex((other) => other.word === entry.word);
      const both = step.entries.slice(first, at + 1).map((other) => other.text);
      return { ...problem, segments: [entry.text, both.join(', '), step.right, text] };
    }
    const wrong = judgeLetter(entry);
    if (wrong) return wrong;
  }
  return problem && { ...problem, segments: [step.right, text] };
};

const judgeLetters = (
  step: Step & { kind: 'letters' },
  due: Due & { kind: 'letters' },
  text: string,
): Fault | undefined => {
  if (!due.subparts) return judgeEntries(step, due.frame.words, 'the list', text);
  const subpart = step.subpart ?? [];
  if (!due.subparts.some((words) => sameWords(words, subpart))) {
    const tied = due.subparts.map(subpartText).join(', ');
    const reason = `it is not a subpart to sort in step (${due.frame.groupsStep}), which has ${tied}`;
    return { errorClass: 'unknown-subpart', reason, segments: [step.subpartText, step.left, text] };
  }
  if (step.position !== due.frame.position + 1) {
    const reason = `their ${ordinalOf(due.frame.position + 1)} letters are next`;
    return { errorClass: 'wrong-position', reason, segments: [step.left, text] };
  }
  return judgeEntries(step, subpart, 'the subpart', text);
};

const judgeNow = (step: Step & { kind: 'now' }, frame: Frame, text: string): Fault | undefined => {
  const fault = (errorClass: string, reason: string): Fault => ({
    errorClass,
    reason,
    segments: [step.ordering, text],
  });
  if (!step.rising) return fault('wrong-sign', 'groups are joined by "<" only');
  const expected = new Map(groupsAt(frame.words, frame.position));
  const words = step.groups.flatMap((group) => group.words);
  const problem = judgeWords(words, frame.words, 'the words being sorted');
  if (problem && problem.at >= 0) return fault(problem.errorClass, problem.reason);
  for (const { rank, words: found, tied } of step.groups) {
    const group = expected.get(rank);
    if (!group) return fault('no-such-rank', `no word has rank (${rank}), so the group does not exist`);
    if (!sameWords(group, found)) return fault('wrong-group', `the group (${rank}) should be ${quoted(group)}`);
    if (tied && found.length === 1) return fault('singleton-group', `${quoted(found)} is alone in its group (${rank})`);
  }
  const ranks = step.groups.map((group) => group.rank);
  const missing = [...expected.keys()].find((rank) => !ranks.includes(rank));
  if (missing !== undefined) return fault('missing-group', `the group (${missing}) is missing`);
  const at = ranks.findIndex((rank, i) => i > 0 && rank <= (ranks[i - 1] ?? rank));
  return at < 0 ? undefined : fault('wrong-order', `(${ranks[at] ?? ''}) comes before (${ranks[at - 1] ?? ''})`);
};

/** The step that put two words of a frame in their order. */
const orderedIn = (frame: Frame, a: string, b: string): string =>
  frame.concluded.find(({ words }) => words.includes(a) && words.includes(b))?.step ?? frame.groupsStep;

const judgeHence = (step: Step & { kind: 'hence' }, frame: Frame, text: string): Fault | undefined => {
  const fault = (errorClass: string, reason: string): Fault => ({
    errorClass,
    reason,
    segments: [step.ordering, text],
  });
  if (!step.decided) return fault('undecided', 'a conclusion joins single words by "<" only');
  const expected = (frame.groups ?? []).flat();
  const problem = judgeWords(step.words, expected, 'the words being sorted');
  if (problem) {
    const missing = expected.find((word) => !step.words.includes(word));
    const ordered = `"${missing ?? ''}" was already ordered in step (${frame.groupsStep}) and is missing here`;
    return fault(problem.errorClass, problem.errorClass === 'missing-word' ? ordered : problem.reason);
  }
  const at = step.words.findIndex((word, i) => word !== expected[i]);
  const [found, right] = [step.words[at], expected[at]];
  if (found === undefined || right === undefined) return undefined;
  return fault(
    'contradicts',
    `it contradicts ${orderText([right, found])} in step (${orderedIn(frame, right, found)})`,
  );
};

/** What stands where another kind of step was due. */
const judgeKind = (step: Step, due: Due, text: string): Fault | undefined => {
  const isSort = step.kind === 'letters' && step.subpart !== undefined;
  const isDue = step.kind === due.kind && (due.kind !== 'letters' || isSort === (due.subparts !== undefined));
  if (isDue) return undefined;
  const tied = due.kind === 'letters' && due.subparts?.map(subpartText).join(', ');
  if (step.kind === 'hence' && tied) {
    return { errorClass: 'concluded-early', reason: `${tied} is not sorted yet`, segments: [step.ordering, text] };
  }
  const what = {
    letters: tied ? `${tied} should be sorted` : 'the first letters should be listed',
    now: 'the order so far should be given by "We now have"',
    hence: 'the order should be concluded by "Hence, we have"',
    final: 'all words are ordered, so the final response should be given',
  }[due.kind];
  return { errorClass: 'out-of-place', reason: `next, ${what}`, segments: [text] };
};

const judgeStep = (step: Step, due: Due, text: string): Fault | undefined => {
  const kind = judgeKind(step, due, text);
  if (kind) return kind;
  if (step.kind === 'letters' && due.kind === 'letters') return judgeLetters(step, due, text);
  if (step.kind === 'now' && due.kind === 'now') return judgeNow(step, due.frame, text);
  return step.kind === 'hence' && due.kind === 'hence' ? judgeHence(step, due.frame, text) : undefined;
};

const finalPhrase = /^So the answer is:? ([^"A-Z]*[^"A-Z\s.])\.$/;

/**
 * FBK: judges the lines in order; the first failure wins. A derivation is all correct only if it is complete: unlike the
 * original, a right answer by a short cut does not pass. Never throws.
 */
export const feedback = (problem: Problem, attempt: string): Verdict => {
  const words = readList(problem.options);
  if (!words)
    return unjudged('unreadable-question', 'the list is missing or has a word twice or with a capital letter');
  if (sorted(words).join(' ') !== problem.answer)
    return unjudged('target-mismatch', "the problem's answer is not its sorted list");
  const split = splitAttempt(attempt);
  if (!split.ok) return unjudged(split.errorClass, split.reason);
  const read = split.steps.map((line) => readStep(line.text));
  const unknown = split.steps[read.indexOf(undefined)];
  if (unknown) return unjudged('unknown-line', `step (${unknown.id}) is in no known form`);
  const stated = finalPhrase.exec(split.final.text)?.[1];
  if (stated === undefined)
    return unjudged('unreadable-answer', 'the final response does not say "So the answer is: <words>."');

  let state = initialState(words);
  const ids = split.steps.map((step) => step.id);
  const report = (at: number, step: string, { errorClass, reason, segments }: Fault): Verdict => {
    const due = dueIn(state);
    const id = due.kind === 'final' ? finalResponse : nextId(state);
    const segment = narrowestSegment(segments, `(${id}) ${dueText(due)}`);
    return incorrect(ids.slice(0, at), { step, segment, reason, errorClass });
  };
  for (const [at, step] of read.entries()) {
    const line = split.steps[at];
    if (!step || !line) continue;
    const fault = judgeStep(step, dueIn(state), line.text);
    if (fault) return report(at, line.id, fault);
    state = afterStep(state, step, line.id);
  }
  const due = dueIn(state);
  const text = split.final.text;
  if (due.kind !== 'final') {
    const fault = { errorClass: 'no-conclusion', reason: 'the words were not all ordered before', segments: [text] };
    return report(read.length, finalResponse, fault);
  }
  const answer = stated.split(/\s+/);
  const at = due.words.findIndex((word, i) => word !== answer[i]);
  if (at < 0 && answer.length === due.words.length) return { verdict: 'correct', text: renderCorrect(ids) };
  const reason = `it contradicts ${orderText(due.words)} in step (${due.step})`;
  return report(read.length, finalResponse, { errorClass: 'wrong-answer', reason, segments: [stated, text] });
};
