import { finalResponse, readAttemptLine } from '../attemptText';
import { injecting } from '../injecting';
import type { Injection, Problem } from '../task';
import { gold } from './improve';
import { readStep, type Step } from './steps';

/** Swaps the first two pieces of a text at a separator. */
const swap = (text: string, separator: string): string => {
  const [first, second, ...rest] = text.split(separator);
  return first === undefined || second === undefined ? text : [second, first, ...rest].join(separator);
};

/** The first piece twice. */
const repeat = (text: string, separator: string): string => `${text.split(separator)[0] ?? ''}${separator}${text}`;

/** All pieces but the last; unchanged where there is only one. */
const shorten = (text: string, separator: string): string => {
  const pieces = text.split(separator);
  return pieces.length < 2 ? text : pieces.slice(0, -1).join(separator);
};

/** One attempt per error class: the gold rationale with that one error, the lines after it left as they are. */
export const injections = (problem: Problem): readonly Injection[] => {
  const lines = gold(problem).split('\n');
  const read = lines.map(readAttemptLine);
  const steps = read.map((line) => line && readStep(line.text));
  const { made, inject } = injecting(lines);
  /** Edits what follows a step's first colon, or "Hence, we have", up to its period. */
  const content = (edit: (text: string) => string) => (text: string) =>
    text.replace(/^([^:]*: |Hence, we have )(.*)\.$/, (_, left: string, right: string) => `${left}${edit(right)}.`);
  const find = (matches: (step: Step) => boolean): number =>
    steps.findIndex((step) => step !== undefined && matches(step));
  const idAfter = (at: number): string => read[at + 1]?.id ?? finalResponse;
  const isSort = (step: Step): boolean => step.kind === 'letters' && step.subpart !== undefined;
  const now = find((step) => step.kind === 'now' && step.groups.length > 1);
  const single = find((step) => step.kind === 'now' && step.groups.some((group) => !group.tied));
  const sort = find(isSort);
  const hence = lines.length - 2;

  inject(
    'wrong-letter',
    0,
    content((text) => text.replace(/="(.)"/, (_, letter: string) => `="${letter === 'z' ? 'y' : 'z'}"`)),
  );
  inject(
    'wrong-rank',
    0,
    content((text) => text.replace(/\((-?\d+)\)/, (_, rank: string) => `(${Number(rank) + 1})`)),
  );
  inject(
    'missing-word',
    0,
    content((text) => shorten(text, ', ')),
  );
  inject(
    'duplicate-word',
    0,
    content((text) => repeat(text, ', ')),
  );
  inject(
    'foreign-word',
    0,
    content((text) => `"zzzzzz"="z" (26), ${text}`),
  );
  inject('out-of-place', 1, () => read[0]?.text);
  inject(
    'no-such-rank',
    1,
    content((text) => text.replace(/\((-?\d+)\)/, '(99)')),
  );
  inject(
    'missing-group',
    now,
    content((text) => shorten(text, ' < ')),
  );
  inject(
    'wrong-order',
    now,
    content((text) => swap(text, ' < ')),
  );
  inject(
    'wrong-sign',
    now,
    content((text) => text.replace(' < ', ' > ')),
  );
  inject(
    'wrong-group',
    1,
    content((text) => text.replace(/\["([^"]*)" \? (?:.*?)\]/, '"$1"')),
  );
  inject(
    'singleton-group',
    single,
    content((text) => text.replace(/\) ("[^"]*")/, ') [$1]')),
  );
  inject('unknown-subpart', sort, (text) => text.replace(/\["[^"]*"/, '["zzzzzz"'));
  inject('wrong-position', sort, (text) => text.replace(/their \w+ letters/, 'their twentieth letters'));
  inject('concluded-early', sort, () => read[hence]?.text);
  inject(
    'undecided',
    hence,
    content((text) => text.replace(' < ', ' ? ')),
  );
  inject(
    'contradicts',
    hence,
    content((text) => swap(text, ' < ')),
  );
  inject('no-conclusion', hence, () => undefined, idAfter(hence));
  inject(
    'wrong-answer',
    lines.length - 1,
    content((text) => `${text} zzzzzz`),
  );
  return made;
};
