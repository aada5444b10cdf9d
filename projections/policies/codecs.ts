import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { JsonValue } from '../../events/codecs';
import { canonicalJson, isMapping, type Json } from '../../events/digest';
import { closest } from './closest';

export type JsonSchema = { readonly [key: string]: Json };

/** A codec that also says in JSON Schema what it accepts: a published schema is made of the codecs, not beside them. */
export class Described<A> extends t.Type<A, unknown> {
  constructor(
    name: string,
    is: t.Is<A>,
    validate: t.Validate<unknown, A>,
    private readonly describe: () => JsonSchema,
    /** May be missing where it stands in a mapping. */
    readonly isOptional = false,
  ) {
    super(name, is, validate, t.identity);
  }

  /** Throws where a codec in it has none. */
  get schema(): JsonSchema {
    return this.describe();
  }
}

const schemaOf = (codec: t.Mixed): JsonSchema => {
  if (codec instanceof Described) return codec.schema;
  throw new Error(`The codec ${codec.name} has no JSON Schema.`);
};

const mayBeMissing = (codec: t.Mixed): boolean => codec instanceof Described && codec.isOptional;

/** The same codec with a sentence for a person who writes the value. */
export const noted = <A>(codec: Described<A>, description: string): Described<A> =>
  new Described(codec.name, codec.is, codec.validate, () => ({ ...codec.schema, description }), codec.isOptional);

/** A value as an error message shows it: short, on one line. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const meant = (word: string, known: readonly string[]): string => {
  const near = closest(word, known);
  return near === undefined ? '' : ` Did you mean "${near}"?`;
};

const refuse = <A>(value: unknown, context: t.Context, message: string): t.Validation<A> =>
  t.failure<A>(value, context, message);

/** A codec with a name that tells a person what is wanted, and a refusal that tells what came. */
export const wanted = <A>(name: string, is: t.Is<A>, schema: JsonSchema): Described<A> =>
  new Described(
    name,
    is,
    (u, c) => (is(u) ? t.success(u) : refuse(u, c, `expected ${name}, got ${shown(u)}`)),
    () => schema,
  );

const namePattern = '^[A-Za-z0-9][A-Za-z0-9._-]*$';
const isName = new RegExp(namePattern);
const most = Number.MAX_SAFE_INTEGER;

export const Text = wanted('text', (u): u is string => typeof u === 'string', { type: 'string' });
export const Name = wanted(
  'a name of letters, digits, ".", "_" and "-"',
  (u): u is string => typeof u === 'string' && isName.test(u),
  { type: 'string', pattern: namePattern },
);
export const Whole = wanted(
  'a whole number from 0',
  (u): u is number => typeof u === 'number' && Number.isSafeInteger(u) && u >= 0,
  { type: 'integer', minimum: 0, maximum: most },
);
export const Positive = wanted(
  'a whole number from 1',
  (u): u is number => typeof u === 'number' && Number.isSafeInteger(u) && u >= 1,
  { type: 'integer', minimum: 1, maximum: most },
);
export const Ratio = wanted('a number', (u): u is number => typeof u === 'number' && Number.isFinite(u), {
  type: 'number',
});
export const Share = wanted('a number from 0, below 1', (u): u is number => typeof u === 'number' && u >= 0 && u < 1, {
  type: 'number',
  minimum: 0,
  exclusiveMaximum: 1,
});
export const Weight = wanted(
  'a number from 0',
  (u): u is number => typeof u === 'number' && Number.isFinite(u) && u >= 0,
  { type: 'number', minimum: 0 },
);
export const Flag = wanted('true or false', (u): u is boolean => typeof u === 'boolean', { type: 'boolean' });
export const AnyJson = wanted('a JSON value', JsonValue.is, {});

/** One of a few words. */
export const oneOf = <W extends string>(...words: readonly W[]): Described<W> => {
  const name = `one of ${words.join(', ')}`;
  const is = (u: unknown): u is W => words.some((w) => w === u);
  return new Described<W>(
    name,
    is,
    (u, c) =>
      is(u)
        ? t.success(u)
        : refuse(u, c, `expected ${name}; got ${shown(u)}.${typeof u === 'string' ? meant(u, words) : ''}`),
    () => ({ enum: [...words] }),
  );
};

/** The one number a field must hold: a format version. */
export const exactly = (n: number): Described<number> => wanted(`${n}`, (u): u is number => u === n, { const: n });

const inOrder = <W extends string | number>(a: W, b: W): number => (a < b ? -1 : a > b ? 1 : 0);

/** A list without repeats, sorted: two spellings of one set have one digest. A single value stands for a list of one. */
export const setOf = <W extends string | number>(item: Described<W>): Described<readonly W[]> =>
  new Described<readonly W[]>(
    `a list of ${item.name}`,
    (u): u is readonly W[] => Array.isArray(u) && u.every(item.is),
    (u, c) => {
      const errors: t.ValidationError[] = [];
      const values = new Set<W>();
      if (u === null || u === undefined) return refuse(u, c, `expected a list (any number of values), got ${shown(u)}`);
      for (const [i, each] of (Array.isArray(u) ? (u as readonly unknown[]) : [u]).entries()) {
        const context = Array.isArray(u) ? t.appendContext(c, String(i), item, each) : c;
        const decoded = item.validate(each, context);
        if (E.isLeft(decoded)) errors.push(...decoded.left);
        else values.add(decoded.right);
      }
      return errors.length > 0 ? t.failures(errors) : t.success([...values].sort(inOrder));
    },
    () => ({ anyOf: [item.schema, { type: 'array', items: item.schema }] }),
  );

/** A list in its own order. */
export const listOf = <A>(item: Described<A>): Described<A[]> => {
  const items = t.array(item);
  return new Described<A[]>(
    `a list of ${item.name}`,
    items.is,
    (u, c) => (Array.isArray(u) ? items.validate(u, c) : refuse(u, c, `expected a list, got ${shown(u)}`)),
    () => ({ type: 'array', items: item.schema }),
  );
};

/** A value or null. */
export const orNull = <A>(codec: Described<A>): Described<A | null> =>
  new Described<A | null>(
    `${codec.name} or null`,
    (u): u is A | null => u === null || codec.is(u),
    (u, c) => (u === null ? t.success(null) : codec.validate(u, c)),
    () => ({ anyOf: [codec.schema, { type: 'null' }] }),
  );

const withNote = (schema: JsonSchema, fallback: unknown, note: string | undefined): JsonSchema => ({
  ...schema,
  ...(JsonValue.is(fallback) ? { default: fallback } : {}),
  ...(note === undefined ? {} : { description: note }),
});

/** A field that may be left out. */
export const otherwise = <A>(codec: Described<A>, fallback: NoInfer<A>, note?: string): Described<A> =>
  new Described<A>(
    codec.name,
    codec.is,
    (u, c) => (u === undefined ? t.success(fallback) : codec.validate(u, c)),
    () => withNote(codec.schema, fallback, note),
    true,
  );

/** A field that may be missing, and then has no value. */
export const maybe = <A>(codec: Described<A>): Described<A | undefined> =>
  new Described<A | undefined>(
    codec.name,
    (u): u is A | undefined => u === undefined || codec.is(u),
    (u, c) => (u === undefined ? t.success(undefined) : codec.validate(u, c)),
    () => codec.schema,
    true,
  );

/** A field that is not there at all where it has its default: what came later leaves older documents' digests alone. */
export class Later<A> extends Described<A | undefined> {
  readonly isLater = true;

  constructor(codec: Described<A>, fallback: A, note?: string) {
    const usual = canonicalJson(fallback);
    super(
      codec.name,
      (u): u is A | undefined => u === undefined || codec.is(u),
      (u, c) => {
        if (u === undefined) return t.success(undefined);
        const decoded = codec.validate(u, c);
        return E.isRight(decoded) && canonicalJson(decoded.right) === usual ? t.success(undefined) : decoded;
      },
      () => withNote(codec.schema, fallback, note),
      true,
    );
  }
}

export const later = <A>(codec: Described<A>, fallback: NoInfer<A>, note?: string): Later<A> =>
  new Later(codec, fallback, note);

type LaterKeys<F extends t.Props> = { [K in keyof F]: F[K] extends { readonly isLater: true } ? K : never }[keyof F];

type Decoded<F extends t.Props> = { readonly [K in Exclude<keyof F, LaterKeys<F>>]: t.TypeOf<F[K]> } & {
  readonly [K in LaterKeys<F>]?: Exclude<t.TypeOf<F[K]>, undefined>;
};

/**
 * A mapping with known keys. Every field decides itself whether it may be missing; a missing mapping is an empty one;
 * an unknown key is refused with the key that was probably meant.
 */
export const section = <F extends t.Props>(name: string, fields: F, note?: string): Described<Decoded<F>> => {
  const known = Object.keys(fields);
  const own = Object.entries<t.Mixed>(fields);
  const required = own.flatMap(([key, codec]) => (mayBeMissing(codec) ? [] : [key]));
  const describe = (): JsonSchema => ({
    type: 'object',
    properties: Object.fromEntries(own.map(([key, codec]) => [key, schemaOf(codec)])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
    ...(note === undefined ? {} : { description: note }),
  });
  return new Described<Decoded<F>>(
    name,
    (u): u is Decoded<F> => isMapping(u) && known.every((k) => fields[k]?.is(u[k]) === true),
    (u, c) => {
      const given = u === undefined ? {} : u;
      if (!isMapping(given)) return refuse(u, c, `expected a mapping with ${known.join(', ')}; got ${shown(u)}`);
      const errors: t.ValidationError[] = [];
      const out: Record<string, unknown> = {};
      for (const key of Object.keys(given)) {
        if (known.includes(key)) continue;
        const message = `unknown key "${key}".${meant(key, known)} Known keys: ${known.join(', ')}.`;
        errors.push({ value: given[key], context: t.appendContext(c, key, t.never, given[key]), message });
      }
      for (const [key, codec] of Object.entries<t.Mixed>(fields)) {
        const value = Object.hasOwn(given, key) ? given[key] : undefined;
        const decoded = codec.validate(value, t.appendContext(c, key, codec, value));
        if (E.isLeft(decoded)) errors.push(...decoded.left);
        else if (decoded.right !== undefined) out[key] = decoded.right;
      }
      const isWhole = (o: unknown): o is Decoded<F> => o === out && errors.length === 0;
      return isWhole(out) ? t.success(out) : t.failures(errors);
    },
    describe,
    required.length === 0,
  );
};
