import { finalResponse, splitAttempt } from '../attemptText';
import { type Fault, incorrect, narrowestSegment, renderCorrect, unjudged } from '../feedbackText';
import type { Problem, Verdict } from '../task';
import {
  both,
  everything,
  firstOutside,
  inOrder,
  isSame,
  isWithin,
  leastLength,
  sameConstraint,
  size,
} from './orderings';
import {
  setOf,
  setOfConstraint,
  setOfPattern,
  wholePattern,
  type Constraint,
  type OrderingSet,
  type Pattern,
} from './orderings';
import { countWord, findThing, readProblem, readSentence, type Paragraph } from './paragraph';
import { afterStep, dueSteps, finalText, initialState, type State } from './solution';
import { patternText, readReading, readStep, type Step, type WrittenPattern } from './steps';

type Judged =
  | { readonly ok: true; readonly set: OrderingSet | undefined }
  | { readonly ok: false; readonly fault: Fault };

const right = (set?: OrderingSet): Judged => ({ ok: true, set });
const wrong = (errorClass: string, reason: string, ...segments: readonly string[]): Judged => ({
  ok: false,
  fault: { errorClass, reason, segments },
});

const nameOf = ({ things }: Paragraph, object: number): string => things[object]?.name ?? '';

/** A pattern whose words are known and that has room for all objects. */
const judgePattern = (
  { text, pattern, fault }: WrittenPattern,
  { axis, things }: Paragraph,
): { readonly ok: true; readonly pattern: Pattern } | (Judged & { readonly ok: false }) => {
  const no = (errorClass: string, reason: string, ...segments: readonly string[]) => ({
    ok: false as const,
    fault: { errorClass, reason, segments: [...segments, text] },
  });
  if (fault?.errorClass === 'wrong-ends') {
    const ends = `from (${axis.low[0] ?? ''}) to (${axis.high[0] ?? ''}), or the other way`;
    return no('wrong-ends', `the ordering goes ${ends}`, fault.part);
  }
  if (fault?.errorClass === 'unknown-object') {
    return no('unknown-object', `"${fault.part}" is not one of the objects`, fault.part);
  }
  if (!pattern) return no('repeated-object', `"${fault?.part ?? ''}" appears twice`);
  const k = things.length;
  const length = leastLength(pattern);
  if (length > k) return no('wrong-length', `there are only ${k} objects`);
  return length < k && pattern.gaps.every(({ open }) => !open)
    ? no('wrong-length', `it has room for only ${length} of the ${k} objects`)
    : { ok: true, pattern };
};

const judgeStatement = (step: Step & { kind: 'statement' }, paragraph: Paragraph): Judged => {
  const { sentence, constraint, written } = step;
  const k = paragraph.things.length;
  const stated = paragraph.statements.find((each) => sameConstraint(each.constraint, constraint));
  if (!stated) return wrong('not-a-statement', 'the paragraph does not say so', sentence);
  const judged = judgePattern(written, paragraph);
  if (!judged.ok) return judged;
  return isSame(setOfPattern(k, judged.pattern), stated.set)
    ? right(stated.set)
    : wrong('wrong-pattern', `it does not say that ${lowerArticle(sentence)} and nothing else`, written.text);
};

const lowerArticle = (sentence: string): string => sentence.replace(/^The /, 'the ');

const judgeTotal = ({ count, word, names }: Step & { kind: 'total' }, { things, noun }: Paragraph): Judged => {
  const found = names.map((name) => findThing(things, name));
  for (const [at, name] of names.entries()) {
    const object = found[at] ?? -1;
    if (object < 0) return wrong('unknown-object', `"${name}" is not one of the ${noun}`, name);
    if (found.indexOf(object) < at) return wrong('repeated-object', `"${name}" appears twice`, names.join(', '));
  }
  const missing = things.find((_, object) => !found.includes(object));
  if (missing) return wrong('missing-object', `${missing.name} is missing`, names.join(', '));
  return count === things.length
    ? right(everything(things.length))
    : wrong('wrong-count', `there are ${countWord(things.length)} ${noun}`, `${word} ${noun}`, word);
};

const judgeCombination = (step: Step & { kind: 'combination' }, state: State, paragraph: Paragraph): Judged => {
  const { cites, written } = step;
  const k = paragraph.things.length;
  const cited = cites.map((id) => ({ id, line: state.lines.find((line) => line.id === id) }));
  const unknown = cited.find(({ line }) => !line);
  if (unknown) return wrong('unknown-step', `step (${unknown.id}) gives no ordering to combine`, `(${unknown.id})`);
  const judged = judgePattern(written, paragraph);
  if (!judged.ok) return judged;
  const { pattern } = judged;
  const found = setOfPattern(k, pattern);
  const given = cited.reduce((set, { line }) => (line ? both(set, line.set) : set), everything(k));
  if (isWithin(given, found)) return right(found);
  if (!isWithin(paragraph.solution, found)) {
    const against = paragraph.statements.find(({ set }) => size(both(set, found)) === 0);
    const reason = against
      ? `it contradicts that ${lowerArticle(against.text)}`
      : 'it does not agree with all statements together';
    return wrong('contradicts', reason, written.text);
  }
  const other = firstOutside(k, given, found);
  const shown = other ? patternText(wholePattern(inOrder(other)), paragraph).replaceAll('"', '') : '';
  return wrong('does-not-follow', `the cited steps also allow ${shown}`, written.text);
};

/** What an ordering says about a place: the object that is always there, or undefined. */
const objectAt = (set: OrderingSet, at: number, k: number): number | undefined => {
  for (let object = 0; object < k; object++) {
    if (isWithin(set, setOfConstraint(k, { kind: 'place', object, at }))) return object;
  }
  return undefined;
};

const judgeReading = (step: Step & { kind: 'reading' }, state: State, paragraph: Paragraph): Judged => {
  const { object, at, words, placeWords, end } = step;
  const k = paragraph.things.length;
  if (!state.ordering) return wrong('not-decided', 'no ordering was worked out before', words);
  const there = objectAt(state.ordering.set, at, k);
  if (there === undefined) {
    return wrong('not-decided', `step (${state.ordering.id}) does not say which one is ${placeWords}`, words);
  }
  if (there !== object) {
    const reason = `in step (${state.ordering.id}) that is ${nameOf(paragraph, there)}`;
    return wrong('wrong-reading', reason, nameOf(paragraph, object), words);
  }
  const written = state.ordering.reversed ? k - 1 - at : at;
  const place = written === 0 ? 'first' : written === k - 1 ? 'last' : 'between';
  return end === undefined || end === place
    ? right()
    : wrong('wrong-reading', `step (${state.ordering.id}) does not write it there`, words);
};

const judgeStep = (step: Step, state: State, paragraph: Paragraph): Judged => {
  if (step.kind === 'statement') return judgeStatement(step, paragraph);
  if (step.kind === 'total') return judgeTotal(step, paragraph);
  return step.kind === 'combination' ? judgeCombination(step, state, paragraph) : judgeReading(step, state, paragraph);
};

/** The sentence before the answer: an option's, or a reading in other words. */
const readFinal = (sentence: string, paragraph: Paragraph): Constraint | undefined => {
  const said = readSentence(sentence, paragraph.things, paragraph.axis);
  const reading = said ? undefined : readReading(sentence, paragraph);
  return reading ? { kind: 'place', object: reading.object, at: reading.at } : said;
};

const finalPhrase = /^(?:(.+)\. )?So the answer is \(([A-Z])\)\.$/i;

const judgeFinal = (
  text: string,
  sentence: string | undefined,
  letter: string,
  state: State,
  paragraph: Paragraph,
): Fault | undefined => {
  const { things, options } = paragraph;
  const k = things.length;
  const fault = (errorClass: string, reason: string, ...segments: readonly string[]): Fault => ({
    errorClass,
    reason,
    segments: [...segments, text],
  });
  const chosen = options.find((option) => option.letter === letter);
  if (!chosen) return fault('no-such-option', `there is no option (${letter})`, `(${letter})`);
  const ordering = state.ordering?.set ?? everything(k);
  const there = objectAt(ordering, chosen.constraint.at, k);
  if (there === undefined) return fault('no-conclusion', 'the ordering was not worked out before');
  if (sentence !== undefined) {
    const said = readFinal(sentence, paragraph);
    const set = said ? setOfConstraint(k, said) : setOf(k, () => false);
    if (!isWithin(ordering, set)) {
      return fault('wrong-sentence', `step (${state.ordering?.id ?? ''}) does not give that`, sentence, `${sentence}.`);
    }
    if (!said || (isWithin(ordering, chosen.set) && !sameConstraint(said, chosen.constraint))) {
      return fault('wrong-sentence', `option (${letter}) says that ${lowerArticle(chosen.text)}`, `${sentence}.`);
    }
  }
  return isWithin(ordering, chosen.set)
    ? undefined
    : fault('wrong-answer', `step (${state.ordering?.id ?? ''}) gives ${nameOf(paragraph, there)}`, `(${letter})`);
};

/** The problem as constraints, or why FBK cannot judge it. An empty answer is not held against it. */
export const readJudgeable = (
  problem: Problem,
):
  | { readonly ok: true; readonly paragraph: Paragraph }
  | { readonly ok: false; readonly errorClass: string; readonly reason: string } => {
  const read = readProblem(problem);
  if (!read.ok) return { ok: false, errorClass: 'unreadable-question', reason: read.reason };
  const { letter } = read.paragraph.right;
  return problem.answer === '' || letter === problem.answer
    ? read
    : {
        ok: false,
        errorClass: 'target-mismatch',
        reason: `the problem's answer is (${problem.answer}) but its statements give (${letter})`,
      };
};

/**
 * FBK: judges the lines in order by constraint checking; the first failure wins. A pattern must say what its statement
 * says; a combination must follow from the steps that it cites; what is read off must hold in the ordering before it.
 * Never throws.
 */
export const feedback = (problem: Problem, attempt: string): Verdict => {
  const read = readJudgeable(problem);
  if (!read.ok) return unjudged(read.errorClass, read.reason);
  const { paragraph } = read;
  const split = splitAttempt(attempt);
  if (!split.ok) return unjudged(split.errorClass, split.reason);
  const nested = split.steps.find((step) => step.id.includes('.'));
  if (nested) return unjudged('nested-step', `step (${nested.id}) is nested`);
  const steps = split.steps.map((line) => readStep(line.text, paragraph));
  const unchecked = split.steps[steps.indexOf(undefined)];
  if (unchecked) return unjudged('unchecked-line', `step (${unchecked.id}) is in no form that can be checked`);
  const [, sentence, letter] = finalPhrase.exec(split.final.text) ?? [];
  if (letter === undefined) {
    return unjudged('unreadable-answer', 'the final response does not say "So the answer is (<letter>)."');
  }
  if (sentence !== undefined && !readFinal(sentence, paragraph)) {
    return unjudged('unchecked-line', 'the final response says something that cannot be checked');
  }

  let state = initialState;
  const ids = split.steps.map((step) => step.id);
  const report = (at: number, step: string, text: string, { segments, reason, errorClass }: Fault): Verdict => {
    const lastId = Number(ids[at - 1] ?? 0);
    const due = dueSteps(state, paragraph, lastId)?.[0];
    const corrected = due === undefined ? `(${finalResponse}) ${finalText(paragraph)}` : `(${lastId + 1}) ${due}`;
    const segment = narrowestSegment([...segments, text], corrected);
    return incorrect(ids.slice(0, at), { step, segment, reason, errorClass });
  };
  for (const [at, step] of steps.entries()) {
    const line = split.steps[at];
    if (!step || !line) continue;
    const judged = judgeStep(step, state, paragraph);
    if (!judged.ok) return report(at, line.id, line.text, judged.fault);
    state = afterStep(state, step, line.id, judged.set, paragraph);
  }
  const fault = judgeFinal(split.final.text, sentence, letter, state, paragraph);
  return fault
    ? report(steps.length, finalResponse, split.final.text, fault)
    : { verdict: 'correct', text: renderCorrect(ids) };
};

/** The orderings that a step allows that was judged right before; undefined where it cannot be cited. */
export const setOfStep = (step: Step, state: State, paragraph: Paragraph): OrderingSet | undefined => {
  const judged = judgeStep(step, state, paragraph);
  return judged.ok ? judged.set : undefined;
};
