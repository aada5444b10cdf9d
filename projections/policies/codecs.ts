import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { closest } from './closest';

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
const wanted = <A>(name: string, is: t.Is<A>): t.Type<A, unknown> =>
  new t.Type<A, unknown>(
    name,
    is,
    (u, c) => (is(u) ? t.success(u) : refuse(u, c, `expected ${name}, got ${shown(u)}`)),
    t.identity,
  );

export const Text = wanted('text', (u): u is string => typeof u === 'string');
export const Name = wanted('a name of letters, digits, ".", "_" and "-"', (u): u is string => {
  return typeof u === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(u);
});
export const Whole = wanted('a whole number from 0', (u): u is number => {
  return typeof u === 'number' && Number.isSafeInteger(u) && u >= 0;
});
export const Positive = wanted(
  'a whole number from 1',
  (u): u is number => typeof u === 'number' && Number.isSafeInteger(u) && u >= 1,
);
export const Ratio = wanted('a number', (u): u is number => typeof u === 'number' && Number.isFinite(u));
export const Share = wanted('a number from 0, below 1', (u): u is number => {
  return typeof u === 'number' && u >= 0 && u < 1;
});
export const Weight = wanted('a number from 0', (u): u is number => {
  return typeof u === 'number' && Number.isFinite(u) && u >= 0;
});

/** One of a few words. */
export const oneOf = <W extends string>(...words: readonly W[]): t.Type<W, unknown> => {
  const name = `one of ${words.join(', ')}`;
  const is = (u: unknown): u is W => words.some((w) => w === u);
  return new t.Type<W, unknown>(
    name,
    is,
    (u, c) =>
      is(u)
        ? t.success(u)
        : refuse(u, c, `expected ${name}; got ${shown(u)}.${typeof u === 'string' ? meant(u, words) : ''}`),
    t.identity,
  );
};

/** The one number a field must hold: a format version. */
export const exactly = (n: number): t.Type<number, unknown> => wanted(`${n}`, (u): u is number => u === n);

/** A list without repeats, sorted: two spellings of one set have one digest. A single value stands for a list of one. */
export const setOf = <W extends string>(
  item: t.Type<W, unknown>,
  most = 'any number of',
): t.Type<readonly W[], unknown> =>
  new t.Type<readonly W[], unknown>(
    `a list of ${item.name}`,
    (u): u is readonly W[] => Array.isArray(u) && u.every(item.is),
    (u, c) => {
      const errors: t.ValidationError[] = [];
      const values = new Set<W>();
      if (u === null || u === undefined) return refuse(u, c, `expected a list (${most} values), got ${shown(u)}`);
      for (const [i, each] of (Array.isArray(u) ? (u as readonly unknown[]) : [u]).entries()) {
        const context = Array.isArray(u) ? t.appendContext(c, String(i), item, each) : c;
        const decoded = item.validate(each, context);
        if (E.isLeft(decoded)) errors.push(...decoded.left);
        else values.add(decoded.right);
      }
      return errors.length > 0 ? t.failures(errors) : t.success([...values].sort());
    },
    t.identity,
  );

/** A value or null. */
export const orNull = <A>(codec: t.Type<A, unknown>): t.Type<A | null, unknown> =>
  new t.Type<A | null, unknown>(
    `${codec.name} or null`,
    (u): u is A | null => u === null || codec.is(u),
    (u, c) => (u === null ? t.success(null) : codec.validate(u, c)),
    t.identity,
  );

/** A field that may be left out. */
export const otherwise = <A>(codec: t.Type<A, unknown>, fallback: A): t.Type<A, unknown> =>
  new t.Type<A, unknown>(
    codec.name,
    codec.is,
    (u, c) => (u === undefined ? t.success(fallback) : codec.validate(u, c)),
    t.identity,
  );

type Decoded<F extends t.Props> = { readonly [K in keyof F]: t.TypeOf<F[K]> };

/**
 * A mapping with known keys. Every field decides itself whether it may be missing; a missing mapping is an empty one;
 * an unknown key is refused with the key that was probably meant.
 */
export const section = <F extends t.Props>(name: string, fields: F): t.Type<Decoded<F>, unknown> => {
  const known = Object.keys(fields);
  const isMapping = (u: unknown): u is Record<string, unknown> => {
    return typeof u === 'object' && u !== null && !Array.isArray(u);
  };
  return new t.Type<Decoded<F>, unknown>(
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
        else out[key] = decoded.right;
      }
      const isWhole = (o: unknown): o is Decoded<F> => o === out && errors.length === 0;
      return isWhole(out) ? t.success(out) : t.failures(errors);
    },
    t.identity,
  );
};
