import { finalResponse, splitAttempt } from '../attemptText';
import { readChoices } from '../choices';
import { type Fault, incorrect, narrowestSegment, renderCorrect, unjudged } from '../feedbackText';
import type { Problem, Verdict } from '../task';
import { weekdayOf } from './calendar';
import { dayWritten, isWritten, named, readDates, slashed, weekdayNames, type WrittenDate } from './dateText';
import { lowerFirst, readQuestion, type Question } from './question';
import { afterStep, dueSteps, initialState, type State } from './solution';
import { foreignIn, readStep, type Step } from './steps';

type Claim = Step & { readonly kind: 'claim' };

/** The premise in a chain of facts is the one that fixes the claimed day, and what it counts from is known. */
const judgeChainedPremise = (premise: string, claim: Claim, state: State, question: Question): Fault | undefined => {
  const said = lowerFirst(premise.replace(/^(?:If|Since) /, ''));
  const segments = [said, premise];
  const facts = question.facts.split(/(?<=\.) /).map((sentence) => lowerFirst(sentence.replace(/\.$/, '')));
  if (!facts.includes(said)) {
    return { errorClass: 'foreign-premise', reason: 'the question does not say so', segments };
  }
  const derivation = question.derivations.find(({ subject }) => subject === claim.name);
  if (!derivation) return undefined;
  if (derivation.premise !== said) {
    return { errorClass: 'wrong-premise', reason: `that does not say when ${claim.name} is`, segments };
  }
  const { needs } = derivation;
  return needs === undefined || state.given.has(needs)
    ? undefined
    : { errorClass: 'not-worked-out', reason: `the date of ${needs} was not worked out before`, segments };
};

const judgePremise = (claim: Claim, state: State, question: Question): Fault | undefined => {
  const { premise } = claim;
  if (premise === undefined) {
    const open = question.chained && !question.named.has(claim.name);
    const due = question.derivations.find(({ subject }) => subject === 'today');
    return open && due && !state.given.has('today')
      ? { errorClass: 'not-worked-out', reason: "today's date was not worked out before", segments: [] }
      : undefined;
  }
  if (question.chained) return judgeChainedPremise(premise, claim, state, question);
  const known = [question.today, ...question.named.values()];
  const foreign = foreignIn(premise, question, (date) => known.some((day) => isWritten(date, day)));
  return foreign === undefined
    ? undefined
    : { errorClass: 'foreign-premise', reason: `"${foreign}" is not in the question`, segments: [foreign, premise] };
};

const judgeWeekday = (date: WrittenDate, day: number): Fault | undefined =>
  date.weekday === undefined || date.weekday === weekdayOf(day)
    ? undefined
    : {
        errorClass: 'wrong-weekday',
        reason: `that day is a ${weekdayNames[weekdayOf(day)] ?? ''}`,
        segments: [date.text],
      };

const judgeDates = ({ name, day, dates }: Claim): Fault | undefined => {
  if (day === undefined) {
    return { errorClass: 'unknown-day', reason: `the question does not say when ${name} is`, segments: [name] };
  }
  for (const [at, date] of dates.entries()) {
    const before = dates[at - 1];
    const segments = [date.text, ...(before ? [`${before.text}, that is ${date.text}`] : [])];
    if (!date.exists) return { errorClass: 'no-such-date', reason: `there is no ${date.text}`, segments };
    if (isWritten(date, day)) {
      const wrong = judgeWeekday(date, day);
      if (wrong) return wrong;
    } else if (before) {
      return { errorClass: 'dates-differ', reason: `${before.text} is not ${date.text}`, segments };
    } else {
      return { errorClass: 'wrong-date', reason: `${name} is ${named(day)}`, segments };
    }
  }
  return undefined;
};

const judgeStep = (step: Step, text: string, state: State, question: Question): Fault | undefined => {
  if (step.kind === 'quotation') return undefined;
  const fault = judgePremise(step, state, question) ?? judgeDates(step);
  return fault && { ...fault, segments: [...fault.segments, text] };
};

/** The days of the options by letter; undefined where one of them is no date in MM/DD/YYYY. */
const optionDays = (problem: Problem): ReadonlyMap<string, number | undefined> | undefined => {
  const choices = readChoices(problem.options);
  if (!choices) return undefined;
  const days = choices.map(({ letter, text }) => {
    const [date] = readDates(text);
    return [letter, date?.text === text ? dayWritten(date) : undefined] as const;
  });
  return new Map(days);
};

const judgeFinal = (
  text: string,
  letter: string,
  state: State,
  question: Question,
  options: ReadonlyMap<string, number | undefined>,
): Fault | undefined => {
  const { target, asked } = question;
  const segments = [`(${letter})`, text];
  if (state.last?.day !== target) {
    return { errorClass: 'no-conclusion', reason: `the date ${asked} was not worked out before`, segments: [text] };
  }
  if (!options.has(letter)) {
    return { errorClass: 'no-such-option', reason: `there is no option (${letter})`, segments };
  }
  const chosen = options.get(letter);
  return chosen === target
    ? undefined
    : {
        errorClass: 'wrong-answer',
        reason: `that is ${chosen === undefined ? 'no date' : slashed(chosen)} and the last step gives ${slashed(target)}`,
        segments,
      };
};

const finalPhrase = /^So the answer is \(([A-Z])\)\.$/i;

/** The question with its options' days and the right letter, or why FBK cannot judge it. An empty answer is not held against it. */
export const readProblem = (
  problem: Problem,
):
  | {
      readonly ok: true;
      readonly question: Question;
      readonly options: ReadonlyMap<string, number | undefined>;
      readonly letter: string;
    }
  | { readonly ok: false; readonly errorClass: string; readonly reason: string } => {
  const question = readQuestion(problem.question);
  if (!question) {
    return { ok: false, errorClass: 'unreadable-question', reason: 'the question is in no form that can be checked' };
  }
  const options = optionDays(problem);
  if (!options) return { ok: false, errorClass: 'unreadable-question', reason: 'the options are not (A) …, (B) …' };
  const right = [...options].filter(([, day]) => day === question.target).map(([letter]) => letter);
  const [letter] = right;
  if (letter === undefined || right.length > 1 || (problem.answer !== '' && letter !== problem.answer)) {
    const has = letter === undefined ? 'no option has it' : `option (${right.join('), (')}) has it`;
    const reason = `the date ${question.asked} is ${slashed(question.target)}: ${has}, and the given answer is (${problem.answer})`;
    return { ok: false, errorClass: 'target-mismatch', reason };
  }
  return { ok: true, question, options, letter };
};

/**
 * FBK: judges the lines in order by calendar arithmetic over the question's own facts; the first failure wins. A line
 * that says nothing checkable makes the attempt unjudged. Never throws.
 */
export const feedback = (problem: Problem, attempt: string): Verdict => {
  const read = readProblem(problem);
  if (!read.ok) return unjudged(read.errorClass, read.reason);
  const { question, options, letter } = read;
  const split = splitAttempt(attempt);
  if (!split.ok) return unjudged(split.errorClass, split.reason);
  const nested = split.steps.find((step) => step.id.includes('.'));
  if (nested) return unjudged('nested-step', `step (${nested.id}) is nested`);
  const chosen = finalPhrase.exec(split.final.text)?.[1];
  if (chosen === undefined) {
    return unjudged('unreadable-answer', 'the final response does not say "So the answer is (<letter>)."');
  }

  let state = initialState;
  const ids = split.steps.map((step) => step.id);
  const report = (at: number, step: string, { segments, reason, errorClass }: Fault): Verdict => {
    const due = dueSteps(state, question)[0];
    const corrected =
      due === undefined
        ? `(${finalResponse}) So the answer is (${letter}).`
        : `(${Number(ids[at - 1] ?? 0) + 1}) ${due}`;
    return incorrect(ids.slice(0, at), { step, segment: narrowestSegment(segments, corrected), reason, errorClass });
  };
  // Spaces around what a step says change nothing of it.
  const texts = split.steps.map((line) => line.text.trim());
  const steps = texts.map((text) => readStep(text, question));
  const unchecked = split.steps[steps.indexOf(undefined)];
  if (unchecked) return unjudged('unchecked-line', `step (${unchecked.id}) says nothing that can be checked`);
  for (const [at, step] of steps.entries()) {
    const [id, text] = [ids[at], texts[at]];
    if (!step || id === undefined || text === undefined) continue;
    const fault = judgeStep(step, text, state, question);
    if (fault) return report(at, id, fault);
    state = afterStep(state, step);
  }
  const fault = judgeFinal(split.final.text, chosen, state, question, options);
  return fault ? report(steps.length, finalResponse, fault) : { verdict: 'correct', text: renderCorrect(ids) };
};
