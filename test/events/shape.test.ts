import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { Count, DigestText, JsonValue, nullable } from '../../events/codecs';
import { canonicalJson, isMapping, type Json } from '../../events/digest';
import { definitionOf, definitions, type EventType } from '../../events/index';
import { shapeOf } from '../../events/shape';
import { examples } from '../support/examples';

const isType = (name: string): name is EventType => name in definitions;
const types = Object.keys(definitions).filter(isType);

/** Every value inside a JSON value, as a way to put another one in its place. */
const places = (json: Json, put: (other: Json) => Json = (other) => other): readonly ((other: Json) => Json)[] => {
  if (Array.isArray(json))
    return [put, ...json.flatMap((item: Json, i) => places(item, (other) => put(json.with(i, other))))];
  if (!isMapping(json)) return [put];
  const inside = Object.entries(json).flatMap(([name, value]) =>
    places(value, (other) => put({ ...json, [name]: other })),
  );
  return [put, ...inside, (other) => put({ ...json, unheard: other })];
};

const jsonOf = (type: EventType): Json => JSON.parse(canonicalJson(definitionOf(type).codec.encode(examples[type])));

it('every event that collection writes has a shape', () => {
  const without = types.filter((type) => shapeOf(definitionOf(type).codec) === undefined);
  expect(without.sort()).toEqual([
    'CheckpointRegistered',
    'CheckpointWritten',
    'DatasetDerived',
    'DatasetImported',
    'EvaluationRecorded',
    'RunResumed',
    'RunStarted',
    'StepRecorded',
    'TrainingCompleted',
    'TrainingStarted',
  ]);
});

it('of every event, what has the shape is what the codec gives back as it is', () => {
  const odd = fc.constantFrom<Json[]>(null, 0, -1, 1.5, '', 'x', true, [], {}, [0], { kind: 'x' }, 'a'.repeat(64));
  for (const type of types) {
    const { codec } = definitionOf(type);
    const shape = shapeOf(codec);
    if (shape === undefined) continue;
    const json = jsonOf(type);
    expect([type, shape(json)]).toEqual([type, true]);
    const ways = places(json);
    fc.assert(
      fc.property(fc.nat(), odd, (pick, other) => {
        const changed = ways[pick % ways.length]?.(other);
        const decoded = codec.decode(changed);
        // The codec gives the very object back where there is nothing to leave out.
        expect(shape(changed)).toBe(E.isRight(decoded) && decoded.right === changed);
      }),
      { numRuns: 200 },
    );
  }
});

it('is not told of a codec that makes something else of a value', () => {
  const Numbered = new t.Type<number, string>('N', t.number.is, (u) => t.success(Number(u)), String);
  expect(shapeOf(t.partial({ a: t.string }))).toBeUndefined();
  expect(shapeOf(t.type({ a: t.string }))).toBeUndefined();
  expect(shapeOf(t.strict({ a: t.record(t.string, Count) }))).toBeUndefined();
  expect(shapeOf(t.intersection([t.strict({ a: Count }), t.strict({ b: Count })]))).toBeUndefined();
  expect(shapeOf(t.strict({ a: Numbered }))?.({ a: '1' })).toBe(false);
  const shape = shapeOf(
    t.strict({ a: nullable(t.array(Count)), b: t.union([DigestText, t.literal('x')]), c: JsonValue }),
  );
  expect(shape?.({ a: [1, 2], b: 'x', c: { d: [null] } })).toBe(true);
  expect(shape?.({ a: [1, -2], b: 'x', c: 0 })).toBe(false);
  expect(shape?.({ a: null, b: 'y', c: 0 })).toBe(false);
  expect(shape?.({ a: null, b: 'x' })).toBe(false);
});
