import type { Json } from '../../../events/digest';
import { draws } from '../../../projections/random';
import { letterAt, writeChoices } from '../choices';
import { ConfigError, fieldsOf, integerAt, listAt } from '../configFields';
import { DrawQueue } from '../drawQueue';
import type { Cell, GeneratedProblem, Problem } from '../task';
import { axes, type Axis } from './axes';
import { both, everything, isSame, mostObjects, setOfConstraint, size, type Constraint } from './orderings';
import { countWord } from './paragraph';

export interface Config {
  /** Objects per problem, one cell each. */
  readonly seen: readonly number[];
  readonly unseen: readonly number[];
}

/** The paper's grid: 3 and 5 objects seen, 7 unseen. */
export const paperConfig: Config = { seen: [3, 5], unseen: [7] };

const cellOfCount = (count: number, seen: boolean): Cell => ({ name: `${count} objects`, seen });

/** Reads a configuration; every field may be absent and is then the paper's. Throws a ConfigError. */
export const readConfig = (config: Json): Config => {
  const fields = fieldsOf(config, 'the configuration', ['seen', 'unseen']);
  const objects = (field: 'seen' | 'unseen'): readonly number[] =>
    fields[field] === undefined
      ? paperConfig[field]
      : listAt(fields[field], field).map((count, i) => integerAt(count, `${field}[${i}]`, 3, mostObjects));
  const read = { seen: objects('seen'), unseen: objects('unseen') };
  const shared = read.seen.find((count) => read.unseen.includes(count));
  if (shared !== undefined) throw new ConfigError(`${shared} objects cannot be both seen and unseen`);
  return read;
};

/** The cell of a problem under the paper's grid: by the number of options. */
export const cellOf = (problem: Problem): Cell => {
  const count = (problem.options ?? '').split('\n').filter((line) => /^\([A-Z]\) /.test(line)).length;
  return cellOfCount(count, paperConfig.seen.includes(count));
};

/** What two problems must not share: the paragraph in any order of its statements, whatever is asked about it. */
export const paragraphOf = ({ question }: Problem): string => question.split('. ').sort().join('. ');

interface Theme {
  readonly axis: Axis;
  /** Before the list of objects; `#` is their number in words. */
  readonly opening: string;
  readonly objects: readonly string[];
}

const list = (text: string): readonly string[] => text.split(', ');

const animals = list('badger, beaver, camel, donkey, ferret, gazelle, hedgehog, lynx, otter, panther, rabbit, wolf');
const tools = list('anvil, chisel, clamp, drill, file, hammer, ladder, mallet, plane, saw, spade, wrench');
const instruments = list('banjo, bassoon, cello, clarinet, cornet, drum, flute, harp, oboe, organ, piano, tuba');
const vessels = list('barge, canoe, cutter, dinghy, ferry, frigate, kayak, ketch, schooner, sloop, trawler, tug');
const drinks = list('broth, cider, cocoa, coffee, juice, lemonade, milk, punch, soup, syrup, tea, water');
const people = list('Ada, Bruno, Carla, Dmitri, Esra, Femi, Greta, Hugo, Ines, Jonas, Kaya, Liam');

const themes: readonly Theme[] = [
  { axis: axes.weight, opening: 'A workshop weighed # tools', objects: tools },
  { axis: axes.weight, opening: 'On a scale stood, one by one, # animals', objects: animals },
  { axis: axes.speed, opening: 'Across a meadow ran # animals', objects: animals },
  { axis: axes.speed, opening: 'Out of the harbour sailed # vessels', objects: vessels },
  { axis: axes.noise, opening: 'In an empty hall sounded # instruments', objects: instruments },
  { axis: axes.heat, opening: 'On a tray stand # drinks', objects: drinks },
  { axis: axes.height, opening: 'At the zoo were measured # animals', objects: animals },
  { axis: axes.age, opening: 'In a museum are shown # vessels', objects: vessels },
  { axis: axes.row, opening: 'Along a wall hang # instruments', objects: instruments },
  { axis: axes.row, opening: 'On a bench lie # tools', objects: tools },
  { axis: axes.ranking, opening: 'A quiz was played by # people', objects: people },
];

const isProper = (name: string): boolean => /^[A-Z]/.test(name);
const definite = (name: string): string => (isProper(name) ? name : `the ${name}`);
const indefinite = (name: string): string => (isProper(name) ? name : `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`);
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const sentenceOf = (constraint: Constraint, names: readonly string[], axis: Axis, queue: DrawQueue): string => {
  const [verb = 'is'] = axis.verbs;
  const name = (object: number): string => definite(names[object] ?? '');
  if (constraint.kind === 'before') {
    const { first, second } = constraint;
    return queue.integer(2) === 0
      ? `${capital(name(first))} ${verb} ${axis.before[0] ?? ''} ${name(second)}`
      : `${capital(name(second))} ${verb} ${axis.after[0] ?? ''} ${name(first)}`;
  }
  return `${capital(name(constraint.object))} ${verb} ${placeText(axis, names.length, constraint.at)}`;
};

/** A place in words, from the nearer end. */
const placeText = (axis: Axis, k: number, at: number): string =>
  (at < k / 2 ? axis.fromLow(at + 1) : axis.fromHigh(k - at))[0] ?? '';

/** True statements about an ordering that leave no other, none of them redundant. `order`: positions by object. */
const drawStatements = (queue: DrawQueue, order: readonly number[]): readonly Constraint[] => {
  const k = order.length;
  const objects = order.map((_, object) => object);
  const relations = objects.flatMap((first) =>
    objects
      .filter((second) => (order[first] ?? 0) < (order[second] ?? 0))
      .map((second): Constraint => ({ kind: 'before', first, second })),
  );
  const places = objects.map((object): Constraint => ({ kind: 'place', object, at: order[object] ?? 0 }));
  const near = relations.filter((each) => {
    return each.kind === 'before' && (order[each.second] ?? 0) - (order[each.first] ?? 0) <= 2;
  });
  const some = queue.shuffle(places).slice(0, queue.integer(Math.floor(k / 2) + 1));
  const candidates = [...queue.shuffle([...some, ...near]), ...queue.shuffle(relations)];
  let kept: readonly { readonly constraint: Constraint; readonly set: Uint8Array }[] = [];
  let left = everything(k);
  for (const constraint of candidates) {
    if (size(left) === 1) break;
    const set = setOfConstraint(k, constraint);
    const next = both(left, set);
    if (isSame(next, left)) continue;
    kept = [...kept, { constraint, set }];
    left = next;
  }
  for (const one of kept) {
    const others = kept.filter((each) => each !== one);
    if (size(others.reduce((set, each) => both(set, each.set), everything(k))) === 1) kept = others;
  }
  return queue.shuffle(kept.map(({ constraint }) => constraint));
};

/** The index-th problem: numbers of objects in turn; theme, objects, ordering, statements and what is asked drawn. */
export const generate = (config: Json, seed: number, cells: 'seen' | 'unseen', index: number): GeneratedProblem => {
  const read = readConfig(config);
  const k = read[cells][index % read[cells].length] ?? 3;
  const queue = new DrawQueue(draws(['logical-deduction', seed, cells, index]));
  const { axis, opening, objects } = queue.pick(themes);
  const names = queue.shuffle(objects).slice(0, k);
  const order = queue.shuffle(names.map((_, position) => position));
  const statements = drawStatements(queue, order).map((constraint) => sentenceOf(constraint, names, axis, queue));
  const things = names.map(indefinite);
  const listed = `${things.slice(0, -1).join(', ')}${k > 2 ? ',' : ''} and ${things.at(-1) ?? ''}`;
  const asked = queue.integer(k);
  const options = names.map((_, object) => `${sentenceOf({ kind: 'place', object, at: asked }, names, axis, queue)}.`);
  return {
    question: `${opening.replace('#', countWord(k))}: ${listed}. ${statements.join('. ')}.`,
    options: writeChoices(options),
    answer: letterAt(order.indexOf(asked)),
    cell: cellOfCount(k, cells === 'seen'),
  };
};
