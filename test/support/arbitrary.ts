import * as fc from 'fast-check';
import type * as t from 'io-ts';
import { definitionOf, definitions, type EventType } from '../../events/index';
import type { Json } from '../../events/digest';
import type { NewEvent } from '../../events/envelope';
import { fieldsOf, the } from './events';

/** The parts of io-ts codecs that say how they are made; io-ts tags each of its own constructors. */
interface Shape {
  readonly _tag?: string;
  readonly name: string;
  readonly type?: t.Mixed;
  readonly codomain?: t.Mixed;
  readonly types?: readonly t.Mixed[];
  readonly props?: Readonly<Record<string, t.Mixed>>;
  readonly keys?: Readonly<Record<string, unknown>>;
  readonly value?: unknown;
}

/** Unicode text without lone surrogates, with the characters that JSON and SQLite care about. */
export const arbitraryText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\n', '"', '\\', '\u0000', '\u001f', '\u2028', '😀', 'é'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 24,
});

const arbitraryNumber = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
);

/** Names under which something may stand. Not `__proto__`: io-ts would make it a prototype, and no name of ours is one. */
const arbitraryKey = arbitraryText.filter((name) => name !== '__proto__');

/** Any JSON value; the depth is kept small, the content is not kept tame. */
export const arbitraryJson = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(null, true, false),
    arbitraryNumber,
    arbitraryText,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(arbitraryText, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

const named: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Count: fc.maxSafeNat(),
  Finite: arbitraryNumber,
  Digest: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 64, maxLength: 64 }),
  Json: arbitraryJson,
};

const shapeOf = (codec: Shape): Shape => codec;

/** Values that a codec accepts, made from the codec's own structure. */
export const arbitraryOf = (codec: t.Mixed): fc.Arbitrary<unknown> => {
  const shape = shapeOf(codec);
  const known = named[shape.name];
  if (known !== undefined) return known;
  // oxlint-disable-next-line no-underscore-dangle
  const { _tag: tag } = shape;
  switch (tag) {
    case 'StringType':
      return arbitraryText;
    case 'BooleanType':
      return fc.boolean();
    case 'NullType':
      return fc.constant(null);
    case 'LiteralType':
      return fc.constant(shape.value);
    case 'KeyofType':
      return fc.constantFrom(...Object.keys(shape.keys ?? {}));
    case 'ArrayType':
      return fc.array(arbitraryOf(the(shape.type)), { maxLength: 5 });
    case 'UnionType':
      return fc.oneof(...(shape.types ?? []).map(arbitraryOf));
    case 'DictionaryType':
      return fc.dictionary(arbitraryKey, arbitraryOf(the(shape.codomain)), {
        maxKeys: 4,
        noNullPrototype: true,
      });
    case 'ExactType':
      return arbitraryOf(the(shape.type));
    case 'InterfaceType': {
      const fields = Object.entries(shape.props ?? {}).map(([key, field]) => [key, arbitraryOf(field)] as const);
      return fc.record(Object.fromEntries(fields), { noNullPrototype: true });
    }
    case 'PartialType': {
      const fields = Object.entries(shape.props ?? {}).map(([key, field]) => [key, arbitraryOf(field)] as const);
      return fc.record(Object.fromEntries(fields), { noNullPrototype: true, requiredKeys: [] });
    }
    case 'IntersectionType':
      return fc
        .tuple(...(shape.types ?? []).map(arbitraryOf))
        .map((parts) => Object.assign({}, ...parts.map(fieldsOf)));
    case undefined:
    default:
      throw new Error(`No arbitrary for codec ${shape.name} (${tag}); add it in test/support/arbitrary.ts`);
  }
};

const isEventType = (type: string): type is EventType => type in definitions;

export const eventTypes: readonly EventType[] = Object.keys(definitions).filter(isEventType);

/** Data of one event type, as its codec takes it. */
export const arbitraryData = (type: EventType): fc.Arbitrary<unknown> => arbitraryOf(definitionOf(type).codec);

/** An event of any type with the stream that it belongs to. Names are made storable: ids in them become hex. */
export const arbitraryEvent: fc.Arbitrary<{ readonly stream: string; readonly event: NewEvent }> = fc
  .constantFrom(...eventTypes.filter((type) => type !== 'LedgerSealed'))
  .chain((type) => arbitraryData(type).map((data) => ({ type, data: withTameIds(data) })))
  .map(({ type, data }) => ({ stream: definitionOf(type).stream(data), event: definitionOf(type).create(data) }));

const idFields = new Set(['runId', 'trajectoryId', 'trainingId', 'evaluationId', 'problemId', 'set']);

/** Replaces ids by one of a few, so that streams are shared and names hold no control characters. */
const withTameIds = (data: unknown): unknown =>
  Object.fromEntries(
    Object.entries(fieldsOf(data)).map(([key, value]) => {
      const tame = idFields.has(key) && typeof value === 'string';
      return [key, tame ? `x${value.length % 4}` : value];
    }),
  );
