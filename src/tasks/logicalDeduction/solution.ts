import { both, everything, isSame, isWithin, size, strongestPattern } from './orderings';
import { sameConstraint, type OrderingSet, type Pattern } from './orderings';
import { countWord, type Paragraph } from './paragraph';
import { patternText, type Step } from './steps';

/** A step that later steps may cite, and the orderings that it allows. */
export interface Line {
  readonly id: string;
  readonly set: OrderingSet;
  /** The objects that its pattern names. */
  readonly about: readonly number[];
}

/** What the steps so far have settled. */
export interface State {
  readonly lines: readonly Line[];
  /** Which of the paragraph's statements a step has written down. */
  readonly stated: ReadonlySet<number>;
  readonly counted: boolean;
  /** The last ordering that a combination gave, and whether it was written from the high end. */
  readonly ordering: (Line & { readonly reversed: boolean }) | undefined;
  /** Whether a step has read the asked place off an ordering. */
  readonly answered: boolean;
}

export const initialState: State = {
  lines: [],
  stated: new Set(),
  counted: false,
  ordering: undefined,
  answered: false,
};

/** The state after a step that is right. `set`: the orderings that its pattern allows. */
export const afterStep = (
  state: State,
  step: Step,
  id: string,
  set: OrderingSet | undefined,
  paragraph: Paragraph,
): State => {
  const about = 'written' in step ? (step.written.pattern?.objects ?? []) : [];
  const lines = set ? [...state.lines, { id, set, about }] : state.lines;
  if (step.kind === 'total') return { ...state, lines, counted: true };
  if (step.kind === 'reading') {
    return { ...state, answered: state.answered || step.at === paragraph.right.constraint.at };
  }
  if (step.kind === 'combination') {
    return { ...state, lines, ordering: set && { id, set, about, reversed: step.written.reversed } };
  }
  const at = paragraph.statements.findIndex((statement) => sameConstraint(statement.constraint, step.constraint));
  return { ...state, lines, stated: new Set(state.stated).add(at) };
};

interface Combination {
  readonly cites: readonly Line[];
  readonly set: OrderingSet;
  readonly pattern: Pattern;
  readonly count: number;
}

/** What two lines give together, where it is more than each gives alone and a pattern says it exactly. */
const combinePair = (k: number, a: Line, b: Line): Combination | undefined => {
  const set = both(a.set, b.set);
  if (isSame(set, a.set) || isSame(set, b.set)) return undefined;
  const { pattern, count, exact } = strongestPattern(k, set);
  return exact ? { cites: [a, b], set, pattern, count } : undefined;
};

/** Lines put together until a pattern says exactly what they give; the statements all together always do. */
const combineMany = (k: number, lines: readonly Line[]): Combination | undefined => {
  let cites: readonly Line[] = [];
  let set = everything(k);
  for (let pass = 0; pass < lines.length; pass++) {
    const next = lines
      .filter((line) => !cites.includes(line))
      .map((line) => ({ line, set: both(set, line.set) }))
      .filter((each) => !isSame(each.set, set))
      .map((each) => ({ ...each, left: size(each.set) }))
      .sort((a, b) => a.left - b.left)[0];
    if (!next || next.left === 0) return undefined;
    cites = [...cites, next.line];
    set = next.set;
    if (cites.length < 2) continue;
    const { pattern, count, exact } = strongestPattern(k, set);
    if (exact && !lines.some((line) => isSame(line.set, set))) return { cites, set, pattern, count };
  }
  return undefined;
};

/** Pairs that were looked at before, by the ids of their lines. */
type Known = Map<string, Combination | undefined>;

const bestCombination = (k: number, lines: readonly Line[], known: Known): Combination | undefined => {
  const pairs = lines.flatMap((a, i) => lines.slice(i + 1).map((b) => [a, b] as const));
  // Two lines about different objects hardly ever make one pattern, so they are looked at last.
  const shared = pairs.filter(([a, b]) => a.about.some((object) => b.about.includes(object)));
  const apart = pairs.filter((pair) => !shared.includes(pair));
  for (const some of [shared, apart]) {
    let best: Combination | undefined;
    for (const [a, b] of some) {
      const key = `${a.id} ${b.id}`;
      if (!known.has(key)) known.set(key, combinePair(k, a, b));
      const found = known.get(key);
      if (!found || (best && found.count >= best.count)) continue;
      if (!lines.some(({ set }) => isSame(set, found.set))) best = found;
    }
    if (best) return best;
  }
  return combineMany(k, lines);
};

const citing = (lines: readonly Line[]): string => {
  const ids = lines.map(({ id }) => `(${id})`);
  return `${ids.slice(0, -1).join(', ')}${ids.length > 2 ? ',' : ''} and ${ids.at(-1) ?? ''}`;
};

const listed = (names: readonly string[]): string =>
  names.length < 3 ? names.join(' and ') : `${names.slice(0, -1).join(', ')}, and ${names.at(-1) ?? ''}`;

/** `the one that is the newest`, `the one that finished second`, in the words of the right option. */
export const askedPlace = ({ axis, right, things }: Paragraph): string => {
  const words = right.text.replace(/\.$/, '');
  const verb = axis.verbs.find((each) => words.includes(` ${each} `)) ?? 'is';
  const rest = words.slice(words.indexOf(` ${verb} `) + 1);
  return `${verb === 'are' ? 'the ones that' : 'the one that'} ${rest || things.length}`;
};

export const finalText = ({ right }: Paragraph): string => `${right.text} So the answer is (${right.letter}).`;

/** The combinations, in order, that lead from some lines to one ordering; undefined where the lines leave none. */
const combine = (k: number, given: readonly Line[], firstId: number): readonly Combination[] | undefined => {
  const lines = [...given];
  const made = new Map<Line, Combination>();
  const known: Known = new Map();
  for (;;) {
    const found = bestCombination(k, lines, known);
    if (!found) return undefined;
    const line = { id: `#${firstId + made.size}`, set: found.set, about: found.pattern.objects };
    lines.push(line);
    made.set(line, found);
    if (found.count === 1) break;
  }
  // Only what the last one rests on.
  const needed = new Set<Line>();
  const rest = [...made.keys()].reverse();
  for (const [i, line] of rest.entries()) {
    if (i === 0) needed.add(line);
    if (needed.has(line)) for (const cited of made.get(line)?.cites ?? []) needed.add(cited);
  }
  const kept = [...made].filter(([line]) => needed.has(line));
  const renamed = new Map(kept.map(([line], i) => [line, { ...line, id: String(firstId + i) }]));
  return kept.map(([, found]) => ({ ...found, cites: found.cites.map((line) => renamed.get(line) ?? line) }));
};

/**
 * The texts of the steps still due, without ids: statements, the number of objects, combinations until one ordering is
 * left, and what is asked. Undefined where the lines so far contradict each other.
 */
export const dueSteps = (state: State, paragraph: Paragraph, lastId: number): readonly string[] | undefined => {
  const { statements, things, noun, right } = paragraph;
  const k = things.length;
  const texts: string[] = [];
  const lines = [...state.lines];
  for (const [at, { text, set }] of statements.entries()) {
    if (state.stated.has(at)) continue;
    const { pattern } = strongestPattern(k, set);
    lines.push({ id: String(lastId + texts.length + 1), set, about: pattern.objects });
    texts.push(`${text}: ${patternText(pattern, paragraph)}.`);
  }
  if (!state.counted) {
    const names = things.map(({ name }) => name.replace(/^the /, ''));
    texts.push(`There are in total ${countWord(k)} ${noun}: ${listed(names)}.`);
  }
  let ordering = state.ordering && size(state.ordering.set) === 1 ? state.ordering.set : undefined;
  if (!ordering) {
    const combinations = combine(k, lines, lastId + texts.length + 1);
    if (!combinations) return undefined;
    for (const { cites, pattern } of combinations) {
      texts.push(`Combining ${citing(cites)} we get the following ordering: ${patternText(pattern, paragraph)}.`);
    }
    ordering = combinations.at(-1)?.set;
  }
  if (!ordering || !isWithin(ordering, right.set)) return undefined;
  if (!state.answered) {
    const verb = / are /.test(right.text) ? 'are' : 'is';
    const name = things[right.constraint.object]?.name ?? '';
    texts.push(`According to this ordering, ${askedPlace(paragraph)} ${verb} ${name}.`);
  }
  return texts;
};
