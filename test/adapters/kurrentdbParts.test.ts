import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { isKurrentUrl, parseAddress, withoutLogin } from '../../src/adapters/kurrentdb/address';
import { toStoreError } from '../../src/adapters/kurrentdb/errors';
import { createIdIndex, type Place } from '../../src/adapters/kurrentdb/idIndex';
import { inOrder, permits } from '../../src/adapters/kurrentdb/inOrder';
import { compare, fromPosition, toPosition } from '../../src/adapters/kurrentdb/positions';
import { uuidOf } from '../../src/adapters/kurrentdb/records';
import { contentId, sha256 } from '../../events/digest';
import { openKurrentLog } from '../../src/adapters/kurrentdb/eventLog';
import { asPosition, fieldsOf } from '../support/events';

describe('an address', () => {
  it('is taken apart into what the client gets, what may be shown, and the ledger’s name', () => {
    expect(parseAddress('kurrentdb://host:2113?tls=false')).toEqual({
      connection: 'kurrentdb://host:2113?tls=false&discoveryInterval=100',
      shown: 'kurrentdb://host:2113',
      prefix: '',
      fileName: 'host-2113',
    });
    expect(parseAddress('esdb+discover://me:pass%40word@a:1,b:2/?ledger=team-a&tlsCAFile=ca.crt')).toEqual({
      connection: 'esdb+discover://me:pass%40word@a:1,b:2?tlsCAFile=ca.crt&discoveryInterval=100',
      shown: 'esdb+discover://a:1,b:2?ledger=team-a',
      prefix: 'team-a.',
      fileName: 'a-1-b-2-team-a',
    });
    expect(parseAddress('kdb://h?throwOnAppendFailure=false&discoveryInterval=9').connection).toBe(
      'kdb://h?discoveryInterval=9',
    );
    expect(['kurrentdb://h', 'ESDB+discover://h', 'kurrent://h'].map(isKurrentUrl)).toEqual([true, true, true]);
    expect(['ledger.db', './kurrentdb:/h', 'http://h'].map(isKurrentUrl)).toEqual([false, false, false]);
  });

  it.each([
    ['kurrentdb://me:secret@h:1?tls=false', 'kurrentdb://***@h:1?tls=false'],
    ['esdb+discover://me:se@cr/et?@h', 'esdb+discover://***@h'],
    ['kurrentdb://h:1?tls=false', 'kurrentdb://h:1?tls=false'],
    ['./a@b/ledger.db', './a@b/ledger.db'],
  ])('%s is shown without its login', (text, shown) => {
    expect(withoutLogin(text)).toBe(shown);
  });

  it.each([
    ['http://host:2113', 'expected kurrentdb://host:2113'],
    ['kurrentdb://', 'expected kurrentdb://host:2113'],
    ['kurrentdb://h?ledger=a/b', 'ledger: expected letters, digits, - and _, got "a/b"'],
    ['kurrentdb://h?ledger=', 'ledger: expected letters'],
    ['kurrentdb://h?lagder=a', 'unknown parameter "lagder"'],
  ])('%s is refused', (text, message) => {
    expect(() => parseAddress(text)).toThrow(message);
  });

  it('is refused by opening with a fault, and its password is never shown', async () => {
    for (const url of [
      'kurrentdb://me:secret@h?lagder=a',
      'kurrentdb://me:secret@127.0.0.1:1?tls=false&defaultDeadline=x',
      'kurrentdb://me:secret@h:abc',
      'kurrentdb://me:secret@h:1,?tls=maybe',
    ]) {
      const opened = await openKurrentLog({ url, attempts: 1 })();
      expect(opened).toMatchObject({ left: { tag: 'Unavailable' } });
      expect(JSON.stringify(opened)).not.toContain('secret');
    }
  });
});

describe('the client package', () => {
  it('is needed only here: without it opening says what to install', async () => {
    jest.doMock('@kurrent/kurrentdb-client', () => {
      const message = "Cannot find module '@kurrent/kurrentdb-client'";
      throw Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
    });
    expect(await openKurrentLog({ url: 'kurrentdb://h' })()).toMatchObject({
      left: {
        tag: 'Unavailable',
        where: 'kurrentdb://h',
        message: expect.stringContaining('npm install @kurrent/kurrentdb-client@'),
      },
    });
    jest.dontMock('@kurrent/kurrentdb-client');
  });
});

describe('positions', () => {
  const position = fc.record({ commit: fc.bigInt(0n, 2n ** 63n), prepare: fc.bigInt(0n, 2n ** 63n) });

  it('go to text and back, beyond what a number holds', () => {
    fc.assert(fc.property(position, (one) => expect(fromPosition(toPosition(one))).toEqual(one)));
    expect(toPosition({ commit: 7n, prepare: 7n })).toBe('7');
    expect(toPosition({ commit: 9007199254740993n, prepare: 5n })).toBe('9007199254740993/5');
  });

  it('are ordered by commit, then prepare, and not as text', () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        const expected = a.commit === b.commit ? a.prepare - b.prepare : a.commit - b.commit;
        expect(compare(a, b)).toBe(expected < 0n ? -1 : expected > 0n ? 1 : 0);
      }),
    );
  });

  it.each(['', '-1', '01', '1/', '/1', '1/2/3', ' 1', '1e3', 'yesterday'])('refuses %j', (text) => {
    expect(() => fromPosition(asPosition(text))).toThrow('Not a position of this log');
  });
});

describe('the id on the server', () => {
  it('is an RFC 9562 UUID of version 8: the same for the same leaf and append, else another', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    const draw = fc.stringMatching(/^[0-9a-f]{16}$/);
    const bits = (text: string): bigint => BigInt.asUintN(62, BigInt(`0x${text}`));
    fc.assert(
      fc.property(fc.string(), draw, draw, (content, one, other) => {
        const leaf = sha256(content);
        expect(uuidOf(leaf, one)).toMatch(form);
        expect(uuidOf(leaf, one)).toBe(uuidOf(leaf, one));
        expect(uuidOf(leaf, one).slice(0, 18)).toBe(uuidOf(leaf, other).slice(0, 18));
        // Two of the draw's 64 bits give way to the variant.
        expect(uuidOf(leaf, one) === uuidOf(leaf, other)).toBe(bits(one) === bits(other));
        expect(uuidOf(sha256(`${content}.`), one)).not.toBe(uuidOf(leaf, one));
      }),
    );
  });
});

describe('the id index', () => {
  it('knows what a map would know, through many growths', () => {
    const index = createIdIndex();
    const map = new Map<string, Place>();
    for (let i = 0; i < 20_000; i++) {
      const place = { stream: `stream-${i % 700}`, revision: Math.floor(i / 700) };
      index.add(contentId(i), place);
      if (i % 3 === 0) index.add(contentId(i), place);
      map.set(contentId(i), place);
    }
    for (const [id, place] of map) expect(index.find(id)).toEqual([place]);
    expect(index.find(contentId('never'))).toEqual([]);
  });

  it('keeps every place of an id that has several', () => {
    const index = createIdIndex();
    const places = [3, 1, 2].map((revision) => ({ stream: 's', revision }));
    for (const place of [...places, ...places]) index.add('id', place);
    expect(index.find('id')).toHaveLength(3);
    expect(index.find('id')).toEqual(expect.arrayContaining(places));
  });
});

describe('work in order', () => {
  it('never overlaps where it shares a key, keeps the order of asking, and outlives failures', async () => {
    const work = fc.record({
      keys: fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }),
      turns: fc.nat(3),
      fails: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(work, { maxLength: 12 }), async (list) => {
        const queue = inOrder();
        const busy = new Set<string>();
        const order = new Map<string, number[]>();
        const runs = list.map(({ keys, turns, fails }, i) =>
          queue.run(keys, async () => {
            for (const key of keys) {
              expect(busy.has(key)).toBe(false);
              busy.add(key);
              order.set(key, [...(order.get(key) ?? []), i]);
            }
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            for (const key of keys) busy.delete(key);
            if (fails) throw new Error(`work ${i}`);
            return i;
          }),
        );
        const results = await Promise.allSettled(runs);
        await queue.settled();
        expect(results.map(({ status }) => status)).toEqual(
          list.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
        );
        for (const indices of order.values()) expect(indices).toEqual(indices.toSorted((a, b) => a - b));
      }),
    );
  });

  it('takes no more permits than there are', async () => {
    const sending = permits(3);
    let taken = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const count = 1 + (i % 3);
        const release = await sending.take(count);
        taken += count;
        most = Math.max(most, taken);
        await Promise.resolve();
        taken -= count;
        release();
      }),
    );
    expect(most).toBe(3);
  });
});

describe('the client’s failures', () => {
  it('are told in the ledger’s words', () => {
    const told = (failure: unknown) => toStoreError(failure, 'here');
    expect(told({ type: 'stream-tombstoned', message: 'gone' })).toMatchObject({ tag: 'Damaged' });
    expect(told({ type: 'access-denied', message: 'no' })).toMatchObject({
      message: 'the server refuses access: access-denied: no',
    });
    expect(told({ type: 'unavailable', message: 'ECONNREFUSED' })).toEqual({
      tag: 'Unavailable',
      where: 'here',
      message: 'unavailable: ECONNREFUSED',
    });
    expect(told(new Error('plain'))).toMatchObject({ tag: 'Unavailable', message: 'plain' });
  });
});

describe('the compose files', () => {
  const services = (file: string): readonly unknown[] => {
    const text = readFileSync(join(__dirname, '../../docker/kurrentdb', file), 'utf8');
    return Object.values(fieldsOf(fieldsOf(parse(text, { merge: true }))['services']));
  };

  it.each([
    ['single.yaml', ['2113']],
    ['cluster.yaml', ['2111', '2112', '2113']],
  ])('%s: the port that a node tells clients is the one that leads to it', (file, ports) => {
    const nodes = services(file);
    expect(
      nodes.map((node) => fieldsOf(fieldsOf(node)['environment'])['KURRENTDB_ADVERTISE_NODE_PORT_TO_CLIENT_AS']),
    ).toEqual(ports);
    expect(nodes.map((node) => fieldsOf(node)['ports'])).toEqual(ports.map((port) => [`127.0.0.1:${port}:2113`]));
    for (const node of nodes) {
      expect(fieldsOf(node)['environment']).toMatchObject({
        KURRENTDB_INSECURE: 'true',
        KURRENTDB_CLUSTER_SIZE: String(ports.length),
      });
    }
  });
});
