import { compareStepIds } from '../attemptText';
import { entryText, letterAt, orderText, ordinalOf, rankOf, type Step, subpartText } from './steps';

/** The words under way in one numbering level: the whole list, or a subpart that tied. */
export interface Frame {
  /** In the order in which the attempt wrote them. */
  readonly words: readonly string[];
  /** Position of the letters looked at last, from 1; 0 before the first. */
  readonly position: number;
  /** The order found at that position, ties kept together; undefined while it is still due. */
  readonly groups: readonly (readonly string[])[] | undefined;
  /** The step that gave `groups`. */
  readonly groupsStep: string;
  /** Each subpart ordered since, with the step that concluded it. */
  readonly concluded: readonly { readonly words: readonly string[]; readonly step: string }[];
  /** The id under which this level numbers its steps, empty for the outermost, and its last number. */
  readonly prefix: string;
  readonly count: number;
}

/** What an attempt has derived so far; frames from the outermost in. */
export interface State {
  readonly frames: readonly Frame[];
  readonly lastId: string;
  /** The whole list in order, and the step that says so, once derived. */
  readonly conclusion: { readonly words: readonly string[]; readonly step: string } | undefined;
}

const openFrame = (words: readonly string[], position: number, prefix: string): Frame => ({
  words,
  position,
  groups: undefined,
  groupsStep: '',
  concluded: [],
  prefix,
  count: 0,
});

export const initialState = (words: readonly string[]): State => ({
  frames: [openFrame(words, 0, '')],
  lastId: '',
  conclusion: undefined,
});

/** Words by the rank of their letter at a position, ranks ascending, words in the order given. */
export const groupsAt = (words: readonly string[], position: number): readonly [number, readonly string[]][] => {
  const ranks = new Map<number, string[]>();
  for (const word of words) {
    const rank = rankOf(letterAt(word, position));
    ranks.set(rank, [...(ranks.get(rank) ?? []), word]);
  }
  return [...ranks].sort(([a], [b]) => a - b);
};

/** The order of a list: code units, as Python and the original sort. */
export const sorted = (words: readonly string[]): readonly string[] =>
  [...words].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** What comes next. The format leaves one choice: which tied subpart is sorted first. */
export type Due =
  | { readonly kind: 'letters'; readonly frame: Frame; readonly subparts: readonly (readonly string[])[] | undefined }
  | { readonly kind: 'now'; readonly frame: Frame }
  | { readonly kind: 'hence'; readonly frame: Frame }
  | { readonly kind: 'final'; readonly words: readonly string[]; readonly step: string };

export const dueIn = (state: State): Due => {
  const frame = state.frames.at(-1);
  if (!frame || state.conclusion) return { kind: 'final', words: state.conclusion?.words ?? [], step: state.lastId };
  if (frame.position === 0) return { kind: 'letters', frame, subparts: undefined };
  if (!frame.groups) return { kind: 'now', frame };
  const ties = frame.groups.filter((group) => group.length > 1);
  return ties.length > 0 ? { kind: 'letters', frame, subparts: ties } : { kind: 'hence', frame };
};

export const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && sorted(a).join(' ') === sorted(b).join(' ');

/**
 * The state after a step that was due and is right. A subpart that is its whole (nested) level goes on in that level's
 * numbering; any other opens a nested one.
 */
export const afterStep = (state: State, step: Step, id: string): State => {
  const frame = state.frames.at(-1);
  if (!frame) return { ...state, lastId: id };
  const at = id.lastIndexOf('.');
  const isOwn = id.slice(0, Math.max(at, 0)) === frame.prefix;
  const here = { ...frame, count: isOwn ? Number(id.slice(at + 1)) : frame.count };
  const outer = state.frames.slice(0, -1);
  const next = (...frames: readonly Frame[]): State => ({ ...state, frames: [...outer, ...frames], lastId: id });
  if (step.kind === 'letters') {
    if (!step.subpart) return next({ ...here, words: step.entries.map((entry) => entry.word), position: 1 });
    const continues = outer.length > 0 && frame.groups?.length === 1;
    return continues
      ? next({ ...here, words: step.subpart, position: frame.position + 1, groups: undefined })
      : next(here, openFrame(step.subpart, frame.position + 1, id));
  }
  if (step.kind === 'now') {
    return next({ ...here, groups: step.groups.map((group) => group.words), groupsStep: id });
  }
  const parent = outer.at(-1);
  if (!parent) return { frames: [here], lastId: id, conclusion: { words: step.words, step: id } };
  const groups = (parent.groups ?? []).flatMap((group) =>
    sameWords(group, step.words) ? step.words.map((word) => [word]) : [group],
  );
  const concluded = [...parent.concluded, { words: step.words, step: id }];
  return { ...state, frames: [...outer.slice(0, -1), { ...parent, groups, concluded }], lastId: id };
};

const joinId = (prefix: string, number: number): string => (prefix === '' ? String(number) : `${prefix}.${number}`);

/** The id of the next step: the level's own next number, or the first one after an attempt's unusual numbering. */
export const nextId = (state: State): string => {
  const frame = state.frames.at(-1);
  const isLater = (id: string): boolean => state.lastId === '' || compareStepIds(id, state.lastId) > 0;
  const own = joinId(frame?.prefix ?? '', (frame?.count ?? 0) + 1);
  if (isLater(own)) return own;
  const parts = state.lastId.split('.').map(Number);
  const level = frame === undefined || frame.prefix === '' ? 0 : frame.prefix.split('.').length;
  const bumped = joinId(frame?.prefix ?? '', (parts[level] ?? 0) + 1);
  if (isLater(bumped)) return bumped;
  return joinId(parts.slice(0, -1).join('.'), (parts.at(-1) ?? 0) + 1);
};

/** The text of the step that is due (the first tied subpart), or of the final response. */
export const dueText = (due: Due): string => {
  if (due.kind === 'final') return `So the answer is: ${due.words.join(' ')}.`;
  if (due.kind === 'hence') return `Hence, we have ${orderText((due.frame.groups ?? []).flat())}.`;
  if (due.kind === 'now') {
    const groups = groupsAt(due.frame.words, due.frame.position);
    const texts = groups.map(
      ([rank, words]) => `(${rank}) ${words.length > 1 ? subpartText(words) : orderText(words)}`,
    );
    return `We now have: ${texts.join(' < ')}.`;
  }
  const words = due.subparts?.[0] ?? due.frame.words;
  const position = due.frame.position + 1;
  const entries = words.map((word) => entryText(word, position)).join(', ');
  return due.subparts
    ? `Now sort this subpart ${subpartText(words)} by looking at their ${ordinalOf(position)} letters: ${entries}.`
    : `The ${ordinalOf(position)} letter: ${entries}.`;
};
