import { finalResponse, readAttemptLine } from '../attemptText';
import { injecting } from '../injecting';
import type { Injection, Problem } from '../task';
import { gold } from './improve';
import { readStep } from './steps';

/** One attempt per error class: the gold rationale with that one error, the lines after it left as they are. */
export const injections = (problem: Problem): readonly Injection[] => {
  const lines = gold(problem).split('\n');
  const { made, inject } = injecting(lines);
  const changeLast = (text: string): string =>
    text.replace(/(-?\d+)\.$/, (_, value: string) => `${Number(value) + 1}.`);
  const rewrite = readStep(readAttemptLine(lines[0] ?? '')?.text ?? '');
  const leaf = rewrite?.kind === 'rewrite' ? (rewrite.definitions[0]?.text ?? '') : '';
  const equation = lines.length - 2;

  // The first leaf's definition is the first "A = " of line 1.
  inject('not-the-question', 0, (text) => text.replace(/"(.*)"/, '"($1 + 1)"'));
  inject('not-the-same-expression', 0, (text) => text.replace(`A = ${leaf}`, `A = ${leaf.replace(/\)?$/, ' + 0$&')}`));
  inject('defined-twice', 0, (text) => text.replace(/\.$/, ` and A = ${leaf}.`));
  inject('undefined-name', 0, (text) => text.replace(/(?:,| and) [A-Z]+ = [^=]*\.$/, '.'));
  inject('unbalanced-brackets', 0, (text) => text.replace(`A = ${leaf}`, `A = (${leaf}`));
  inject('invalid-expression', 0, (text) => text.replace(`A = ${leaf}`, `A = ${leaf} +`));
  inject('unequal-neighbours', 1, changeLast);
  inject('unfinished-line', 1, (text) => text.replace(/\.$/, ' + 0.'));
  inject('not-the-definition', 1, (text) => text.replace(`A = ${leaf}`, `A = (${leaf} + 1)`));
  inject('too-large', 1, (text) => text.replace(/\.$/, ` = ${'9'.repeat(20)}.`));
  inject('rewritten-twice', 1, () => readAttemptLine(lines[0] ?? '')?.text);
  inject('not-calculated', equation - 1, () => undefined, readAttemptLine(lines[equation] ?? '')?.id ?? '');
  inject('other-expression', equation, (text) => text.replace(/(is )([^=]*) = /, '$1($2 + 1) = '));
  inject('wrong-substitution', equation, (text) => text.replace(/( = )([^=]*?)( =|\.$)/, '$1($2 + 1)$3'));
  inject('no-final-equation', equation, () => undefined, finalResponse);
  inject('wrong-answer', lines.length - 1, changeLast);
  return made;
};
