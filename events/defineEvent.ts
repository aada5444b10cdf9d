import * as E from 'fp-ts/Either';
import type * as t from 'io-ts';
import { contentId, type Json } from './digest';
import type { Meta, NewEvent } from './envelope';
import { shapeOf } from './shape';

/** One older shape of an event and the way to today's. */
export interface OlderVersion<Current> {
  readonly name: string;
  readonly decode: (data: unknown) => E.Either<t.Errors, Current>;
  /** The data as this older codec writes it: without fields that it does not know. */
  readonly asWritten: (data: unknown) => E.Either<t.Errors, Json>;
}

/** Decodes and encodes again, which leaves out what the codec does not know. */
const rewrite =
  <Data>(codec: t.Type<Data, Json>) =>
  (data: unknown): E.Either<t.Errors, Json> => {
    const decoded = codec.decode(data);
    return E.isLeft(decoded) ? decoded : E.right(codec.encode(decoded.right));
  };

/** Decodes: what has the codec's very shape is given back at once, all else the codec judges. */
const decoderOf = <Data>(codec: t.Type<Data, Json>): ((data: unknown) => E.Either<t.Errors, Data>) => {
  const shape = shapeOf(codec);
  if (shape === undefined) return (data) => codec.decode(data);
  // A value of the shape is what the codec's decoding gives back (test/events/shape.test.ts).
  const has = (data: unknown): data is Data => shape(data);
  return (data) => (has(data) ? E.right(data) : codec.decode(data));
};

/** An older codec with its upcast straight to the current type: `was(V1, (d) => ({ ...d, giver: 'teacher' }))`. */
export const was = <Old, Current>(codec: t.Type<Old, Json>, upcast: (old: Old) => Current): OlderVersion<Current> => {
  const decode = decoderOf(codec);
  return {
    name: codec.name,
    decode: (data) => {
      const decoded = decode(data);
      return E.isLeft(decoded) ? decoded : E.right(upcast(decoded.right));
    },
    asWritten: rewrite(codec),
  };
};

/** An event type: today's codec, the history of its shapes, and what makes two of them the same fact. */
export interface EventDefinition<Type extends string, Data> {
  readonly type: Type;
  /** Number of shapes ever written; the one written today. */
  readonly version: number;
  readonly codec: t.Type<Data, Json>;
  /** Decodes any version ever written into today's shape. */
  readonly decode: (version: number, data: unknown) => E.Either<t.Errors | 'unknown-version', Data>;
  /** The data as that version's codec writes it; stored data that differs has fields nobody defined. */
  readonly asWritten: (version: number, data: unknown) => E.Either<t.Errors | 'unknown-version', Json>;
  /** The stream that an event with this data belongs to. */
  readonly stream: (data: Data) => string;
  /** Content-derived event id. */
  readonly idOf: (data: Data) => string;
  /** The event as the log takes it. */
  readonly create: (data: Data, meta?: Meta, observed?: Json) => NewEvent;
}

/**
 * Defines an event. `older` lists earlier shapes, version 1 first; the current version is their number plus one.
 * `identity` picks the fields that make two events the same fact.
 */
export const defineEvent = <Type extends string, Data>(
  type: Type,
  codec: t.Type<Data, Json>,
  place: { readonly stream: (data: Data) => string; readonly identity: (data: Data) => readonly Json[] },
  older: readonly OlderVersion<Data>[] = [],
): EventDefinition<Type, Data> => {
  const version = older.length + 1;
  const decode = decoderOf(codec);
  const idOf = (data: Data): string => contentId([type, ...place.identity(data)]);
  return {
    type,
    version,
    codec,
    decode: (at, data) => {
      if (at === version) return decode(data);
      const old = older[at - 1];
      return old === undefined ? E.left('unknown-version') : old.decode(data);
    },
    asWritten: (at, data) => {
      if (at === version) return rewrite(codec)(data);
      const old = older[at - 1];
      return old === undefined ? E.left('unknown-version') : old.asWritten(data);
    },
    stream: place.stream,
    idOf,
    create: (data, meta = {}, observed) => {
      const event = { id: idOf(data), type, version, data: codec.encode(data), meta };
      return observed === undefined ? event : { ...event, observed };
    },
  };
};
