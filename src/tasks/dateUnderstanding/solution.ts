import { named, slashed, dayWritten } from './dateText';
import { lowerFirst, type Derivation, type Question } from './question';
import type { Step } from './steps';

/** What the steps so far have settled. */
export interface State {
  /** Names of the days that a step has given. */
  readonly given: ReadonlySet<string>;
  /** The day that the last step gave, and whether it ended in MM/DD/YYYY. */
  readonly last: { readonly day: number; readonly slashed: boolean } | undefined;
}

export const initialState: State = { given: new Set(), last: undefined };

/** The state after a step that is right. */
export const afterStep = (state: State, step: Step): State => {
  if (step.kind === 'quotation' || step.day === undefined) return state;
  const { name, day, dates } = step;
  const last = dates.at(-1);
  const isSlashed = last !== undefined && dayWritten(last) === day && last.text === slashed(day);
  return { given: new Set(state.given).add(name), last: { day, slashed: isSlashed } };
};

const derivationText = ({ subject, premise, day }: Derivation): string =>
  `If ${lowerFirst(premise)}, then ${subject} ${subject === 'today' ? 'is' : 'was on'} ${named(day)}.`;

/** The texts of the steps still due, without ids, the asked day's last. */
export const dueSteps = (state: State, question: Question): readonly string[] => {
  const { derivations, asked, target } = question;
  if (state.last?.slashed && state.last.day === target) return [];
  return [
    ...derivations.filter(({ subject }) => !state.given.has(subject)).map(derivationText),
    `The date ${asked} is ${named(target)}, that is ${slashed(target)}.`,
  ];
};

/** How many steps the gold rationale has. */
export const stepsOf = (question: Question): number => dueSteps(initialState, question).length;
