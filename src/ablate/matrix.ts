import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { canonicalJson, isMapping, type Json } from '../../events/digest';
import {
  AnyJson,
  Described,
  exactly,
  Name,
  noted,
  orNull,
  otherwise,
  section,
  setOf,
  shown,
  Text,
  Whole,
} from '../../projections/policies/codecs';
import { PolicyRef } from '../../projections/policies/policyDocument';

/** Values under names that the document chooses, in its order; `special` has the codecs of some names' values. */
const mappingOf = <A>(
  key: Described<string>,
  value: Described<A>,
  special: Readonly<Record<string, Described<A>>> = {},
): Described<ReadonlyMap<string, A>> =>
  new Described<ReadonlyMap<string, A>>(
    `a mapping to ${value.name}`,
    (u): u is ReadonlyMap<string, A> => u instanceof Map,
    (u, c) => {
      if (!isMapping(u)) return t.failure(u, c, `expected a mapping to ${value.name}, got ${shown(u)}`);
      const errors: t.ValidationError[] = [];
      const out = new Map<string, A>();
      for (const [name, given] of Object.entries(u)) {
        const known = key.validate(name, t.appendContext(c, name, key, name));
        const own = special[name] ?? value;
        const decoded = own.validate(given, t.appendContext(c, name, own, given));
        if (E.isLeft(known)) errors.push(...known.left);
        if (E.isLeft(decoded)) errors.push(...decoded.left);
        else if (E.isRight(known)) out.set(known.right, decoded.right);
      }
      return errors.length > 0 ? t.failures(errors) : t.success(out);
    },
    () => ({
      type: 'object',
      properties: Object.fromEntries(Object.entries(special).map(([name, codec]) => [name, codec.schema])),
      propertyNames: key.schema,
      additionalProperties: value.schema,
    }),
  );

/** A list with at least one value and no value twice: a repeated seed would count as more evidence than it is. */
const distinct = <A>(item: Described<A>): Described<readonly A[]> =>
  new Described<readonly A[]>(
    `a list of ${item.name}, none twice`,
    (u): u is readonly A[] => Array.isArray(u) && u.every(item.is),
    (u, c) => {
      if (!Array.isArray(u) || u.length === 0)
        return t.failure(u, c, `expected a list of ${item.name}, got ${shown(u)}`);
      const errors: t.ValidationError[] = [];
      const seen = new Set<string>();
      const out: A[] = [];
      for (const [i, each] of u.entries()) {
        const context = t.appendContext(c, String(i), item, each);
        const decoded = item.validate(each, context);
        if (E.isLeft(decoded)) {
          errors.push(...decoded.left);
          continue;
        }
        const text = canonicalJson(decoded.right);
        if (seen.has(text)) errors.push({ value: each, context, message: `${shown(each)} is listed twice` });
        seen.add(text);
        out.push(decoded.right);
      }
      return errors.length > 0 ? t.failures(errors) : t.success(out);
    },
    () => ({ type: 'array', items: item.schema, minItems: 1, uniqueItems: true }),
  );

const keyPattern = '^[A-Za-z][A-Za-z0-9]*(\\.[A-Za-z][A-Za-z0-9_-]*)*$';
const keyShape = new RegExp(keyPattern);
const isKey = (u: unknown): u is string => typeof u === 'string' && keyShape.test(u);

const Key = new Described<string>(
  'a dotted key of the config',
  isKey,
  (u, c) => (isKey(u) ? t.success(u) : t.failure(u, c, `expected a dotted key such as train.steps, got ${shown(u)}`)),
  () => ({ type: 'string', pattern: keyPattern }),
);

/** A policy is checked where it stands; the run's config checks the others when they are put over it. */
const APolicy = new Described<Json>(PolicyRef.name, AnyJson.is, PolicyRef.validate, () => PolicyRef.schema);
const policies = { policy: APolicy, 'base.policy': APolicy };
const Settings = mappingOf(Key, AnyJson, policies);

/** What `tripost ablate` reads: one comparison of arms over seeds. */
export const Matrix = section('matrix', {
  ablation: noted(exactly(1), 'Version of this document format.'),
  name: Name,
  description: otherwise(Text, ''),
  run: noted(Text, 'The config of a run that every cell starts from; relative to the matrix.'),
  set: otherwise(Settings, new Map<string, Json>(), 'Settings of every cell, over that config.'),
  arms: otherwise(
    mappingOf(Name, Settings),
    new Map<string, ReadonlyMap<string, Json>>(),
    'Arms by name, each with its settings.',
  ),
  axes: otherwise(
    mappingOf(Key, distinct(AnyJson)),
    new Map<string, readonly Json[]>(),
    'Values to go through, by setting: every arm with every combination.',
  ),
  vary: otherwise(
    orNull(setOf(Key)),
    null,
    'The settings in which arms may differ; a key covers what is below it. Null: the one setting that the arms name.',
  ),
  seeds: distinct(Whole),
  seedKeys: otherwise(setOf(Key), ['seed'], 'The settings that take the seed.'),
  baseline: otherwise(orNull(Text), null, 'The arm that the others are compared with; null: the first.'),
  metrics: otherwise(distinct(Text), ['accuracy.total'], 'The scores that are compared, as evaluations name them.'),
});
export type Matrix = t.TypeOf<typeof Matrix>;

export interface Arm {
  readonly name: string;
  readonly settings: ReadonlyMap<string, Json>;
}

export interface Cell {
  readonly arm: Arm;
  readonly seed: number;
  /** What goes over the config of `run`, in order: of the matrix, of the arm, the seed. */
  readonly settings: readonly (readonly [string, Json])[];
}

/** A setting's value as part of an arm's name. */
const valueName = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value));

/** Every combination of the axes' values, the last axis fastest. */
const combinations = (axes: Matrix['axes']): readonly (readonly (readonly [string, Json])[])[] =>
  [...axes].reduce<readonly (readonly (readonly [string, Json])[])[]>(
    (made, [key, values]) => made.flatMap((before) => values.map((value) => [...before, [key, value] as const])),
    [[]],
  );

/** The arms, in order: those that are listed, each with every combination of the axes. */
export const armsOf = ({ arms, axes }: Matrix): readonly Arm[] => {
  const listed: readonly (readonly [string, ReadonlyMap<string, Json>])[] =
    arms.size > 0 ? [...arms] : [['', new Map<string, Json>()]];
  return listed.flatMap(([name, settings]) =>
    combinations(axes).map((values): Arm => {
      const parts = [name, ...values.map(([key, value]) => `${key}=${valueName(value)}`)].filter((part) => part !== '');
      return { name: parts.join(' '), settings: new Map([...settings, ...values]) };
    }),
  );
};

/** The cells, seed by seed, so that a comparison has its first paired results early. */
export const cellsOf = (matrix: Matrix): readonly Cell[] =>
  matrix.seeds.flatMap((seed) =>
    armsOf(matrix).map((arm) => ({
      arm,
      seed,
      settings: [...matrix.set, ...arm.settings, ...matrix.seedKeys.map((key) => [key, seed] as const)],
    })),
  );

/** What is wrong with a matrix as a whole: its arms, its baseline, its keys. */
export const faultOf = (matrix: Matrix): string | undefined => {
  const arms = armsOf(matrix);
  const names = arms.map((arm) => arm.name);
  if (arms.length < 2) return 'arms, axes: expected at least two arms to compare, got one';
  if (new Set(names).size < names.length)
    return `arms: two arms are named ${names.find((n, i) => names.indexOf(n) < i)}`;
  if (matrix.baseline !== null && !names.includes(matrix.baseline))
    return `baseline: there is no arm ${JSON.stringify(matrix.baseline)}; the arms are ${names.join(', ')}`;
  for (const arm of matrix.arms.values())
    for (const key of arm.keys()) {
      if (matrix.axes.has(key)) return `axes.${key}: arms set it too`;
      if (matrix.seedKeys.includes(key)) return `arms: ${key} takes the seed (seedKeys), no arm may set it`;
    }
  const named = new Set([...matrix.axes.keys(), ...[...matrix.arms.values()].flatMap((arm) => [...arm.keys()])]);
  if (matrix.vary === null && named.size > 1)
    return `vary: the arms set ${[...named].join(', ')}: name the settings in which they may differ`;
  return undefined;
};

/** The settings in which arms may differ. */
export const variedBy = (matrix: Matrix): readonly string[] =>
  matrix.vary ?? [...new Set([...matrix.axes.keys(), ...[...matrix.arms.values()].flatMap((arm) => [...arm.keys()])])];

/** The matrix as JSON, for the ledger: mappings as lists of pairs, in order. */
export const matrixJson = (matrix: Matrix): Json => ({
  ...matrix,
  set: [...matrix.set].map(([key, value]) => [key, value]),
  arms: [...matrix.arms].map(([name, settings]) => [name, [...settings].map(([key, value]) => [key, value])]),
  axes: [...matrix.axes].map(([key, values]) => [key, [...values]]),
  vary: matrix.vary === null ? null : [...matrix.vary],
});
