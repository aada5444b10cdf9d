import { finalResponse, readAttemptLine } from '../attemptText';
import { injecting } from '../injecting';
import type { Injection, Problem } from '../task';
import { readJudgeable } from './feedback';
import { gold } from './improve';
import { inOrder, orderingsOf, sameConstraint, size, strongestPattern, wholePattern } from './orderings';
import { countWord } from './paragraph';
import { patternText, readStep } from './steps';

/** One attempt per error class: the gold rationale with that one error, the lines after it left as they are. */
export const injections = (problem: Problem): readonly Injection[] => {
  const read = readJudgeable(problem);
  if (!read.ok) return [];
  const { paragraph } = read;
  const { axis, things, statements, options, solution, right } = paragraph;
  const k = things.length;
  const lines = gold(problem).split('\n');
  const { made, inject: edit } = injecting(lines);
  const textAt = (at: number): string => readAttemptLine(lines[at] ?? '')?.text ?? '';
  const idAt = (at: number): string => readAttemptLine(lines[at] ?? '')?.id ?? finalResponse;
  const inject = (errorClass: string, at: number, text: string): void => edit(errorClass, at, () => text);
  /** Leaves out the lines [from, to); the error is expected at line `to`. */
  const leaveOut = (errorClass: string, from: number, to: number): void => {
    made.push({ errorClass, step: idAt(to), attempt: [...lines.slice(0, from), ...lines.slice(to)].join('\n') });
  };
  const inPattern = (at: number, change: (pattern: string) => string): string =>
    textAt(at).replace(/"[^"]*"/, (pattern) => change(pattern));
  const [low, high] = [axis.low[0] ?? '', axis.high[0] ?? ''];
  const total = statements.length;
  const [combination, reading, last] = [total + 1, lines.length - 2, lines.length - 1];

  const unsaid = options.find(
    (option) => !statements.some((each) => sameConstraint(each.constraint, option.constraint)),
  );
  const [first] = statements;
  const firstStep = readStep(textAt(0), paragraph);
  const short = things.find((thing) => textAt(0).includes(` ${thing.short} `))?.short ?? '';
  if (unsaid && first && firstStep) {
    inject('not-a-statement', 0, textAt(0).replace(first.text, unsaid.text.replace(/\.$/, '')));
    const other = patternText(strongestPattern(k, unsaid.set).pattern, paragraph);
    inject(
      'wrong-pattern',
      0,
      inPattern(0, () => other),
    );
  }
  inject(
    'wrong-ends',
    0,
    inPattern(0, (pattern) => pattern.replace(`(${low})`, '(front)')),
  );
  inject(
    'unknown-object',
    0,
    inPattern(0, (pattern) => pattern.replace(` ${short} `, ' pebble ')),
  );
  inject(
    'repeated-object',
    0,
    inPattern(0, (pattern) => pattern.replace(` (${high})`, ` ${short} (${high})`)),
  );
  inject(
    'wrong-length',
    0,
    inPattern(0, (pattern) => pattern.replace(`(${low})`, `(${low})${' ?'.repeat(k)}`)),
  );
  inject('missing-object', total, textAt(total).replace(/,? and [^,]*\.$/, '.'));
  inject('wrong-count', total, textAt(total).replace(`total ${countWord(k)}`, `total ${countWord(k + 1)}`));
  inject('unknown-step', combination, textAt(combination).replace(/\(\d+\)/, '(99)'));

  const solved = orderingsOf(k)[solution.indexOf(1)] ?? new Uint8Array(k);
  const whole = (objects: readonly number[]): string => patternText(wholePattern(objects), paragraph);
  inject(
    'contradicts',
    combination,
    inPattern(combination, () => whole([...inOrder(solved)].reverse())),
  );
  const step = readStep(textAt(combination), paragraph);
  if (step?.kind === 'combination' && step.cites.every((id) => Number(id) <= total)) {
    const cited = step.cites.map((id) => statements[Number(id) - 1]?.set ?? solution);
    const allowed = cited.reduce((a, b) => a.map((inside, i) => inside & (b[i] ?? 0)));
    if (size(allowed) > 1)
      inject(
        'does-not-follow',
        combination,
        inPattern(combination, () => whole(inOrder(solved))),
      );
  }
  leaveOut('not-decided', combination, reading);
  const other = things.find((_, object) => object !== right.constraint.object)?.name ?? '';
  const name = things[right.constraint.object]?.name ?? '';
  inject('wrong-reading', reading, textAt(reading).replace(` ${name}.`, ` ${other}.`));
  leaveOut('no-conclusion', combination, last);
  const wrong = options.find(({ letter }) => letter !== right.letter);
  if (wrong) {
    inject('wrong-sentence', last, textAt(last).replace(right.text, wrong.text));
    inject('wrong-answer', last, textAt(last).replace(`(${right.letter})`, `(${wrong.letter})`));
  }
  inject('no-such-option', last, textAt(last).replace(`(${right.letter})`, '(Z)'));
  return made;
};
