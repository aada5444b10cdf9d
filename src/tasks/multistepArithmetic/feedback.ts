import { finalResponse, splitAttempt } from '../attemptText';
import { evaluate, type Expression, namesIn, printExpression, sameTree, substitute } from '../expression';
import { type Fault, incorrect, narrowestSegment, renderCorrect, unjudged } from '../feedbackText';
import type { Problem, Verdict } from '../task';
import { afterStep, initialState, type State, solveFrom } from './solution';
import { readQuestion, readStep, type Step, type Term } from './steps';

/** What steps are judged against. */
interface Question {
  readonly expression: Expression;
  readonly value: number;
}

/**
 * The rewriting is a transcription, so it must be the question's own tree: a leaf rewritten as another expression of
 * equal value is refused (in the original it passes silently); other brackets around the same tree are not.
 */
const judgeRewrite = (
  step: Step & { kind: 'rewrite' },
  text: string,
  question: Question,
  isRewritten: boolean,
): Fault | undefined => {
  const fault = (errorClass: string, reason: string, ...narrow: readonly string[]): Fault => ({
    errorClass,
    reason,
    segments: [...narrow, text],
  });
  if (isRewritten) return fault('rewritten-twice', 'the equation was already rewritten');
  if (!step.expression.ok) return fault(step.expression.code, step.expression.message);
  const definitions = new Map<string, Expression>();
  for (const { name, text: body, parsed } of step.definitions) {
    const where = `${name} = ${body}`;
    if (!parsed.ok) return fault(parsed.code, parsed.message, where);
    if (definitions.has(name)) return fault('defined-twice', `${name} is defined twice`, where);
    if (namesIn(parsed.expression).length > 0) {
      return fault('invalid-expression', `the definition of ${name} is not made of numbers only`, where);
    }
    definitions.set(name, parsed.expression);
  }
  const undefinedName = namesIn(step.expression.expression).find((name) => !definitions.has(name));
  if (undefinedName !== undefined) return fault('undefined-name', `${undefinedName} is not defined`);
  const whole = substitute(step.expression.expression, (name) => definitions.get(name));
  if (sameTree(whole, question.expression)) return undefined;
  const value = evaluate(whole);
  return value.ok && value.value === question.value
    ? fault(
        'not-the-same-expression',
        'it has the same value as the equation in the question but is another expression',
      )
    : fault('not-the-question', 'it is not equal to the equation in the question');
};

/** The text from one term to another, as written. */
const span = (text: string, from: Term | undefined, to: Term | undefined): string =>
  from && to ? text.slice(from.start, to.end) : text;

/** The first term that is no expression, with its neighbours, so that its brackets show. */
const judgeSyntax = (terms: readonly Term[], text: string): Fault | undefined => {
  const at = terms.findIndex((term) => !term.parsed.ok);
  const parsed = terms[at]?.parsed;
  if (!parsed || parsed.ok) return undefined;
  const [bad, before, after] = [terms[at], terms[Math.max(at - 1, 0)], terms[Math.min(at + 1, terms.length - 1)]];
  const segments = [span(text, bad, bad), span(text, before, bad), span(text, before, after), text];
  return { errorClass: parsed.code, reason: parsed.message, segments };
};

const withoutBrackets = (text: string): string => text.replace(/[() ]/g, '');

/** Each neighbouring pair of terms must have equal values, and the last term must be a number. */
const judgeNeighbours = (terms: readonly Term[], text: string, state: State): Fault | undefined => {
  const valueOf = (name: string): number | undefined => state.values.get(name);
  let previous: { term: Term; value: number } | undefined;
  for (const term of terms) {
    if (!term.parsed.ok) continue;
    const value = evaluate(term.parsed.expression, valueOf);
    if (!value.ok) {
      return {
        errorClass: 'too-large',
        reason: value.message,
        segments: [span(text, previous?.term ?? term, term), text],
      };
    }
    if (previous && previous.value !== value.value) {
      const regrouped = withoutBrackets(previous.term.text) === withoutBrackets(term.text);
      const left = previous.term.text;
      return {
        errorClass: 'unequal-neighbours',
        reason: regrouped
          ? `"${term.text}" changes the order of operations of "${left}"`
          : `"${left}" is not equal to "${term.text}"`,
        segments: [span(text, previous.term, term), text],
      };
    }
    previous = { term, value: value.value };
  }
  const last = terms.at(-1);
  return last && /^-?\d+$/.test(last.text)
    ? undefined
    : {
        errorClass: 'unfinished-line',
        reason: 'it does not end in a number',
        segments: [`${last?.text ?? ''}.`, text],
      };
};

/** A name's value must come from its definition; the steps from there on must keep it. */
const judgeCalculation = (step: Step & { kind: 'calculate' }, text: string, state: State): Fault | undefined => {
  const definition = state.definitions.get(step.name);
  const first = step.terms[0];
  const left = `${step.name} = ${first?.text ?? ''}`;
  if (!definition) {
    return { errorClass: 'undefined-name', reason: `${step.name} was not defined`, segments: [left, text] };
  }
  const syntax = judgeSyntax(step.terms, text);
  if (syntax) return syntax;
  const unknown = step.terms.flatMap((term) => (term.parsed.ok ? namesIn(term.parsed.expression) : []));
  const missing = unknown.find((name) => !state.values.has(name));
  if (missing !== undefined) {
    return { errorClass: 'not-calculated', reason: `${missing} was never calculated before`, segments: [left, text] };
  }
  const value = first?.parsed.ok ? evaluate(first.parsed.expression, (name) => state.values.get(name)) : undefined;
  const defined = evaluate(definition);
  if (value?.ok && defined.ok && value.value !== defined.value) {
    const reason = `${step.name} was defined as "${printExpression(definition)}"`;
    return { errorClass: 'not-the-definition', reason, segments: [left, text] };
  }
  return judgeNeighbours(step.terms, text, state);
};

/** The final equation repeats the rewritten expression, puts in the calculated values, and reduces. */
const judgeEquation = (
  step: Step & { kind: 'equation' },
  text: string,
  state: State,
  question: Question,
): Fault | undefined => {
  const syntax = judgeSyntax(step.terms, text);
  if (syntax) return syntax;
  const [first, second] = step.terms;
  const parsed = first?.parsed;
  if (!parsed?.ok) return undefined;
  const segments = [span(text, first, second ?? first), text];
  const missing = step.terms
    .flatMap((term) => (term.parsed.ok ? namesIn(term.parsed.expression) : []))
    .find((name) => !state.values.has(name));
  if (missing !== undefined) {
    return { errorClass: 'not-calculated', reason: `the value of ${missing} was never calculated before`, segments };
  }
  const valueOf = (name: string): number | undefined => state.values.get(name);
  const hasNames = namesIn(parsed.expression).length > 0;
  const value = evaluate(parsed.expression, valueOf);
  const isRewritten = hasNames && state.rewritten ? sameTree(parsed.expression, state.rewritten) : !hasNames;
  if (!isRewritten || (value.ok && value.value !== question.value)) {
    const reason = state.rewritten
      ? `the equation was written as "${printExpression(state.rewritten)}"`
      : 'it is not equal to the equation in the question';
    return { errorClass: 'other-expression', reason, segments: [first?.text ?? '', ...segments] };
  }
  const substituted = second?.parsed.ok ? evaluate(second.parsed.expression, valueOf) : undefined;
  if (hasNames && value.ok && substituted?.ok && substituted.value !== value.value) {
    const values = namesIn(parsed.expression).map((name) => `${name} = ${valueOf(name) ?? ''}`);
    return { errorClass: 'wrong-substitution', reason: `the previous steps give ${values.join(', ')}`, segments };
  }
  return judgeNeighbours(step.terms, text, state);
};

const judgeFinal = (text: string, stated: string, state: State): Fault | undefined => {
  const value = Number(stated);
  if (state.result === undefined) {
    return { errorClass: 'no-final-equation', reason: 'the final equation was not solved before', segments: [text] };
  }
  return value === state.result
    ? undefined
    : {
        errorClass: 'wrong-answer',
        reason: `the final equation gives ${state.result}`,
        segments: [text.replace(/\.$/, ''), text],
      };
};

const finalPhrase = /^So the answer is (-?\d{1,16})\.$/;

/** FBK: judges the lines in order against the question; the first failure wins. Never throws. */
export const feedback = (problem: Problem, attempt: string): Verdict => {
  const parsed = readQuestion(problem.question);
  if (!parsed.ok) return unjudged('unreadable-question', `the question is no expression: ${parsed.message}`);
  const value = evaluate(parsed.expression);
  if (!value.ok) return unjudged('unreadable-question', value.message);
  if (String(value.value) !== problem.answer) {
    return unjudged(
      'target-mismatch',
      `the problem's answer is ${problem.answer} but its question's value is ${value.value}`,
    );
  }
  const question = { expression: parsed.expression, value: value.value };
  const split = splitAttempt(attempt);
  if (!split.ok) return unjudged(split.errorClass, split.reason);
  const nested = split.steps.find((step) => step.id.includes('.'));
  if (nested) return unjudged('nested-step', `step (${nested.id}) is nested`);

  const read = split.steps.map((line) => readStep(line.text));
  const unknown = split.steps[read.indexOf(undefined)];
  if (unknown) return unjudged('unknown-line', `step (${unknown.id}) is in no known form`);
  const stated = finalPhrase.exec(split.final.text)?.[1];
  if (stated === undefined)
    return unjudged('unreadable-answer', 'the final response does not say "So the answer is <number>."');

  let state = initialState;
  const ids = split.steps.map((step) => step.id);
  const report = (at: number, step: string, { segments, reason, errorClass }: Fault): Verdict => {
    const due = solveFrom(state, question.expression);
    const next = due.steps[0];
    const corrected = next === undefined ? due.final : `(${Number(ids[at - 1] ?? 0) + 1}) ${next}`;
    const segment = narrowestSegment(segments, corrected);
    return incorrect(ids.slice(0, at), { step, segment, reason, errorClass });
  };
  for (const [at, step] of read.entries()) {
    const line = split.steps[at];
    if (!step || !line) continue;
    const fault =
      step.kind === 'rewrite'
        ? judgeRewrite(step, line.text, question, state.rewritten !== undefined)
        : step.kind === 'calculate'
          ? judgeCalculation(step, line.text, state)
          : judgeEquation(step, line.text, state, question);
    if (fault) return report(at, line.id, fault);
    state = afterStep(state, step);
  }
  const fault = judgeFinal(split.final.text, stated, state);
  return fault ? report(read.length, finalResponse, fault) : { verdict: 'correct', text: renderCorrect(ids) };
};
