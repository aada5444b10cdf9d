import * as t from 'io-ts';
import { isMapping } from './digest';

/** Whether a value is exactly of a codec's shape: decoding it would give the very value back. No is no answer. */
export type Shape = (u: unknown) => boolean;

/** All props, whose decoding is the identity, and nothing else; in the order of canonical JSON, as stored data is. */
const exactly = (props: t.Props): Shape | undefined => {
  const names = Object.keys(props).sort();
  const shapes: Shape[] = [];
  for (const name of names) {
    const codec = props[name];
    const shape = codec === undefined ? undefined : shapeOf(codec);
    if (shape === undefined) return undefined;
    shapes.push(shape);
  }
  return (u) => {
    if (!isMapping(u)) return false;
    let i = 0;
    for (const name in u) {
      if (name !== names[i] || shapes[i]?.(u[name]) !== true) return false;
      i += 1;
    }
    return i === names.length;
  };
};

const each = (shape: Shape | undefined): Shape | undefined =>
  shape &&
  ((u) => {
    if (!Array.isArray(u)) return false;
    for (let i = 0; i < u.length; i++) if (!shape(u[i])) return false;
    return true;
  });

/** One of them or the other; most unions are of two, a value or null. */
const either = (a: Shape, b: Shape): Shape => {
  return (u) => a(u) || b(u);
};

const some = (codecs: readonly t.Mixed[]): Shape | undefined => {
  let all: Shape | undefined;
  // The last is asked first: what may be null is null more often than not.
  for (const codec of codecs) {
    const shape = shapeOf(codec);
    if (shape === undefined) return undefined;
    all = all === undefined ? shape : either(shape, all);
  }
  return all;
};

const isText: Shape = (u) => typeof u === 'string';
const isNull: Shape = (u) => u === null;
const isTruth: Shape = (u) => typeof u === 'boolean';

/** The other simple ones of io-ts's codecs: `is` says what their decoding gives back as it is. */
const simple = [t.NumberType, t.LiteralType];

/** Those, and the types of our own (events/codecs.ts), which give back what they accept. */
const isLeaf = (codec: t.Mixed): boolean =>
  simple.some((kind) => codec instanceof kind) || Object.getPrototypeOf(codec) === t.Type.prototype;

/**
 * The shape of a codec that only looks at a value: strict objects, arrays, unions, literals, and types of our own. Undefined for any other: only the codec itself decodes those.
 *
 * io-ts keeps a path of where it is for its error messages, which costs five times as much as looking. Stored events nearly
 * always are what they should be, so they are looked at first, and the codec is asked about all others.
 */
export const shapeOf = (codec: t.Mixed): Shape | undefined => {
  if (codec instanceof t.ExactType) {
    const inner: unknown = codec.type;
    return inner instanceof t.InterfaceType ? exactly(inner.props) : undefined;
  }
  if (codec instanceof t.ArrayType) return each(shapeOf(codec.type));
  if (codec instanceof t.UnionType) return some(codec.types);
  if (codec instanceof t.StringType) return isText;
  if (codec instanceof t.NullType) return isNull;
  if (codec instanceof t.BooleanType) return isTruth;
  if (codec instanceof t.KeyofType) {
    const keys: ReadonlySet<unknown> = new Set(Object.keys(codec.keys));
    return (u) => keys.has(u);
  }
  return isLeaf(codec) ? codec.is : undefined;
};
