import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import * as t from 'io-ts';
import { canonicalJson, type Json } from '../../events/digest';
import { positionOf, type RecordedEvent } from '../../events/envelope';
import { decodeEvent, definitionOf } from '../../events/index';
import { defineEvent, was } from '../../events/defineEvent';
import { arbitraryData, arbitraryJson, eventTypes } from '../support/arbitrary';
import { examples } from '../support/examples';

const recorded = (event: Partial<RecordedEvent>): RecordedEvent => ({
  position: positionOf(1),
  stream: 's',
  revision: 0,
  id: 'id',
  type: 'RunStarted',
  version: 1,
  data: null,
  meta: { prev: null },
  leaf: '',
  recordedAt: '',
  observed: null,
  ...event,
});

describe.each(eventTypes)('%s', (type) => {
  const definition = definitionOf(type);

  it('comes back from JSON as it went in, whatever its data', () => {
    fc.assert(
      fc.property(arbitraryData(type), (data) => {
        const event = definition.create(data);
        const read: unknown = JSON.parse(canonicalJson(event.data));
        const decoded = definition.decode(event.version, read);
        if (E.isLeft(decoded)) throw new Error('does not decode');
        expect(decoded.right).toEqual(data);
        expect(definition.asWritten(event.version, read)).toEqual(E.right(event.data));
        expect(definition.idOf(decoded.right)).toBe(event.id);
        expect(definition.stream(decoded.right)).toBe(definition.stream(data));
      }),
      { numRuns: 40 },
    );
  });

  it('leaves out a field that nobody defined, so that it gets into no hash', () => {
    const plain = definition.create(examples[type]);
    const more = definition.create({ ...(examples[type] as object), unheardOf: 'field' });
    expect(canonicalJson(more)).toBe(canonicalJson(plain));
  });

  it('does not decode when a field is missing or of another kind', () => {
    const data = examples[type] as Readonly<Record<string, unknown>>;
    for (const field of Object.keys(data)) {
      const { [field]: _, ...rest } = data;
      expect(E.isLeft(definition.decode(definition.version, rest))).toBe(true);
      expect(E.isLeft(definition.decode(definition.version, { ...data, [field]: () => 1 }))).toBe(true);
    }
  });
});

describe('unknown fields inside', () => {
  it('are left out of nested records, arrays and unions as well', () => {
    const { create } = definitionOf('EvaluationRecorded');
    const [item] = examples.EvaluationRecorded.items;
    const [attempt] = item?.attempts ?? [];
    const script = { ...attempt?.script, more: 1 };
    const spoiled = {
      ...examples.EvaluationRecorded,
      items: [{ ...item, more: 1, attempts: [{ ...attempt, script, more: 1 }] }],
    };
    expect(create(spoiled)).toEqual(create(examples.EvaluationRecorded));
    const student = { ...examples.IterationStarted.student, more: 1 };
    const iteration = definitionOf('IterationStarted');
    expect(iteration.create({ ...examples.IterationStarted, student })).toEqual(
      iteration.create(examples.IterationStarted),
    );
  });
});

describe('an event with a history', () => {
  const V1 = t.strict({ attemptId: t.string, text: t.string }, 'Noted@1');
  const V2 = t.strict({ attemptId: t.string, text: t.string, giver: t.string }, 'Noted@2');
  const V3 = t.strict({ attemptId: t.string, words: t.array(t.string), giver: t.string }, 'Noted@3');
  type V3 = t.TypeOf<typeof V3>;
  const noted = defineEvent('Noted', V3, { stream: () => 'notes', identity: (d) => [d.attemptId, d.giver] }, [
    was(V1, (d): V3 => ({ attemptId: d.attemptId, words: d.text.split(' '), giver: 'teacher' })),
    was(V2, (d): V3 => ({ attemptId: d.attemptId, words: d.text.split(' '), giver: d.giver })),
  ]);

  it('counts its versions', () => expect(noted.version).toBe(3));

  it('reads every version as today’s', () => {
    const today = { attemptId: 'a', words: ['well', 'done'], giver: 'teacher' };
    expect(noted.decode(1, { attemptId: 'a', text: 'well done' })).toEqual(E.right(today));
    expect(noted.decode(2, { attemptId: 'a', text: 'well done', giver: 'teacher' })).toEqual(E.right(today));
    expect(noted.decode(3, today)).toEqual(E.right(today));
  });

  it('keeps the id of an event over its versions, where the identity is kept', () => {
    const ids = [
      noted.decode(1, { attemptId: 'a', text: 'x' }),
      noted.decode(2, { attemptId: 'a', text: 'x', giver: 'teacher' }),
    ].map((decoded) => E.isRight(decoded) && noted.idOf(decoded.right));
    expect(ids[0]).toBe(ids[1]);
  });

  it('gives old data back in its own shape, without unknown fields', () => {
    const old: Json = { attemptId: 'a', text: 'x' };
    expect(noted.asWritten(1, { ...(old as object), more: 1 })).toEqual(E.right(old));
  });

  it('refuses versions that never were, and data of another version', () => {
    for (const version of [0, 4, -1, 1.5]) {
      expect(noted.decode(version, {})).toEqual(E.left('unknown-version'));
      expect(noted.asWritten(version, {})).toEqual(E.left('unknown-version'));
    }
    expect(E.isLeft(noted.decode(2, { attemptId: 'a', text: 'x' }))).toBe(true);
  });

  it('keeps what was observed beside the event', () => {
    expect(noted.create({ attemptId: 'a', words: [], giver: 'g' }, {}, { latencyMs: 4 }).observed).toEqual({
      latencyMs: 4,
    });
  });
});

describe('decoding by type and version', () => {
  it('names the type that is unknown, also one that every object inherits', () => {
    for (const type of ['Nonsense', 'toString', '__proto__']) {
      expect(decodeEvent(recorded({ type }))).toMatchObject(E.left({ tag: 'UnknownType', type }));
    }
  });

  it('names the version that is unknown', () => {
    const refused = decodeEvent(recorded({ version: 9, data: examples.RunStarted }));
    expect(refused).toMatchObject(E.left({ tag: 'UnknownVersion', details: ['known versions: 1 to 1'] }));
  });

  it('says which field is wrong', () => {
    const refused = decodeEvent(recorded({ id: 'x', data: { ...examples.RunStarted, seed: 'seven' } }));
    const expected = { tag: 'BadData', eventId: 'x', details: [expect.stringContaining('/seed: Count')] };
    expect(refused).toMatchObject(E.left(expected));
  });

  it('never throws, whatever the data', () => {
    fc.assert(
      fc.property(fc.constantFrom(...eventTypes), arbitraryJson, (type, data) => {
        expect(E.isLeft(decodeEvent(recorded({ type, data })))).toBe(true);
      }),
    );
  });
});
