import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { canonicalJson, sha256, type Json } from '../../events/digest';
import { leafHash, positionOf } from '../../events/envelope';
import { decodeEvent, definitionOf } from '../../events/index';
import { eventTypes } from '../support/arbitrary';
import { textOf, the } from '../support/events';
import { examples } from '../support/examples';
import { expectGoldenOnce, fixtures, updating } from '../support/golden';

interface Fixture {
  readonly stream: string;
  readonly type: string;
  readonly version: number;
  readonly id: string;
  readonly leaf: string;
  readonly data: Json;
}

/** The event as the first of its stream, on one line. */
const fixtureLine = (type: (typeof eventTypes)[number]): string => {
  const definition = definitionOf(type);
  const { id, version, data } = definition.create(examples[type]);
  const stream = definition.stream(examples[type]);
  const leaf = leafHash({ stream, revision: 0, id, type, version, data, meta: { prev: null } });
  return `${canonicalJson({ stream, type, version, id, leaf, data })}\n`;
};

describe.each(eventTypes)('%s', (type) => {
  it('has an example whose bytes are the newest fixture', () => {
    expect.hasAssertions();
    expectGoldenOnce(`events/${type}.v${definitionOf(type).version}.json`, fixtureLine(type));
  });
  it('has a fixture of every version', () => {
    const versions = readdirSync(join(fixtures, 'events')).filter((name) => name.startsWith(`${type}.v`));
    expect(versions).toHaveLength(definitionOf(type).version);
  });
});

const fixtureFiles = (): readonly string[] => readdirSync(join(fixtures, 'events')).sort();

describe('fixtures/events', () => {
  it('all decode, keep their bytes, and have the id and leaf that were written', () => {
    for (const name of fixtureFiles()) {
      const line = readFileSync(join(fixtures, 'events', name), 'utf8');
      const fixture: Fixture = JSON.parse(line);
      const event = {
        ...fixture,
        revision: 0,
        position: positionOf(1),
        meta: { prev: null },
        recordedAt: '',
        observed: null,
      };
      const decoded = decodeEvent(event);
      if (E.isLeft(decoded)) throw new Error(`${name}: ${JSON.stringify(decoded.left)}`);
      const definition = definitionOf(decoded.right.type);
      expect(`${canonicalJson(fixture)}\n`).toBe(line);
      expect(definition.asWritten(fixture.version, fixture.data)).toEqual(E.right(fixture.data));
      expect(definition.idOf(decoded.right.data)).toBe(fixture.id);
      expect(definition.stream(decoded.right.data)).toBe(fixture.stream);
      expect(leafHash(event)).toBe(fixture.leaf);
    }
  });

  it('are as MANIFEST.sha256 says: added to, never edited', () => {
    const file = join(fixtures, 'MANIFEST.sha256');
    const now = fixtureFiles().map((name) => {
      return `${sha256(readFileSync(join(fixtures, 'events', name)))}  events/${name}`;
    });
    const lines = readFileSync(file, { encoding: 'utf8', flag: 'a+' })
      .split('\n')
      .filter((line) => line !== '');
    const old = lines.filter((line) => line.slice(66).startsWith('events/'));
    const added = now.filter((line) => !old.some((other) => other.slice(66) === line.slice(66)));
    if (updating() && added.length > 0) {
      const sorted = [...lines, ...added].sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1));
      writeFileSync(file, `${sorted.join('\n')}\n`);
      old.push(...added);
    }
    expect(old.sort()).toEqual([...now].sort());
  });
});

describe('events/README.md', () => {
  const text = readFileSync(join(__dirname, '..', '..', 'events', 'README.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => /^\| [A-Z]/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it('has one row for every event, in the order of the registry', () => {
    expect(rows.map((row) => row[1])).toEqual(eventTypes);
  });

  it.each(rows)('%s | %s | %s | %s', (_, type, version, stream) => {
    const known = the(eventTypes.find((one) => one === type));
    const definition = definitionOf(known);

    expect(Number(version)).toBe(definition.version);
    expect(stream?.replace(/<(\w+)>/, (_match, field: string) => textOf(examples[known], field))).toBe(
      `\`${definition.stream(examples[known])}\``,
    );
  });
});
