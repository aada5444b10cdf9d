import { finalResponse, readAttemptLine } from '../attemptText';
import { readChoices } from '../choices';
import { injecting } from '../injecting';
import type { Injection, Problem } from '../task';
import { weekdayOf } from './calendar';
import { dayWritten, named, readDates, slashed, weekdayNames } from './dateText';
import { gold } from './improve';
import { readQuestion } from './question';

/** One attempt per error class: the gold rationale with that one error, the lines after it left as they are. */
export const injections = (problem: Problem): readonly Injection[] => {
  const lines = gold(problem).split('\n');
  const { made, inject } = injecting(lines);
  const asked = lines.length - 2;
  /** The last date of a line, which every step ends in. */
  const lastDay = (text: string): number => {
    const date = readDates(text).at(-1);
    return (date && dayWritten(date)) ?? 1;
  };
  const idAt = (at: number): string => readAttemptLine(lines[at] ?? '')?.id ?? finalResponse;

  inject('wrong-date', asked, (text) => {
    const day = lastDay(text);
    return text.replace(`${named(day)}, that is ${slashed(day)}`, `${named(day + 1)}, that is ${slashed(day + 1)}`);
  });
  inject('dates-differ', asked, (text) => text.replace(slashed(lastDay(text)), slashed(lastDay(text) + 1)));
  inject('no-such-date', asked, (text) => text.replace(named(lastDay(text)), 'February 30, 2004'));
  inject('wrong-weekday', asked, (text) => {
    const day = lastDay(text);
    return text.replace(named(day), `${weekdayNames[(weekdayOf(day) + 1) % 7] ?? ''}, ${named(day)}`);
  });
  inject('unknown-day', asked, (text) => text.replace(/^The date .*? is /, 'The coronation is '));
  const question = readQuestion(problem.question);
  const previous = readAttemptLine(lines[asked - 1] ?? '')?.text;
  // A true line about another day in the place of the asked one.
  if (asked === 0 || question?.target !== question?.today) {
    inject('no-conclusion', asked, () => previous, finalResponse);
  }
  if (asked > 0) inject('foreign-premise', 0, (text) => text.replace(/^If (.*), then /, 'If $1 at noon, then '));
  if (question?.chained) {
    inject('not-worked-out', asked - 1, () => undefined, idAt(asked));
    const [first, second] = question.derivations;
    if (first && second) {
      inject('wrong-premise', 1, (text) => text.replace(/^If .*, then /, `If ${first.premise}, then `));
    }
  }
  const letters = (readChoices(problem.options) ?? []).map(({ letter }) => letter);
  const wrong = letters.find((letter) => letter !== problem.answer);
  inject('wrong-answer', lines.length - 1, (text) => text.replace(`(${problem.answer})`, `(${wrong ?? ''})`));
  inject('no-such-option', lines.length - 1, (text) => text.replace(`(${problem.answer})`, '(Z)'));
  return made;
};
