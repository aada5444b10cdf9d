import * as E from 'fp-ts/Either';
import type { RecordedEvent } from '../../events/envelope';
import type { EventLog, ExpectedRevision } from '../../src/ports/eventLog';
import { verify } from '../../src/ledger/verify';
import { anEvent, appendTo, collect, must, namesOf, refusal, someEvents, the } from '../support/events';

/** What an adapter's test must give: one new, empty ledger, opened twice, as two processes would. */
export type OpenTwo = () => Promise<readonly [EventLog, EventLog]>;

/** Appends one event at a time, at the head that this handle sees; tries again when the other one was faster. */
const appendRacing = async (log: EventLog, stream: string, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    for (;;) {
      const expected: ExpectedRevision = await log.streamHead(stream);
      const appended = await log.append(stream, expected, [anEvent(name)])();
      if (E.isRight(appended)) break;
      if (appended.left.tag !== 'WrongExpectedRevision') throw new Error(JSON.stringify(appended.left));
    }
  }
};

const keyOf = ({ stream, revision, leaf, position }: RecordedEvent) => ({ stream, revision, leaf, position });

/** The same meaning where two processes write: what one has seen and kept in mind is held against what the other wrote. */
export const twoHandlesContract = (name: string, open: OpenTwo): void => {
  describe(`EventLog contract, two writers: ${name}`, () => {
    it('each goes on behind what the other has appended, and a stale view is refused', async () => {
      const [one, two] = await open();
      must(await one.append('s', 'noStream', someEvents('a', 2))());
      must(await two.append('s', 1, someEvents('b', 2))());
      expect(refusal(await one.append('s', 1, [anEvent('late')])())).toEqual({
        tag: 'WrongExpectedRevision',
        stream: 's',
        expected: 1,
        actual: 3,
      });
      must(await one.append('s', 3, [anEvent('c')])());
      expect(refusal(await two.append('s', 'noStream', [anEvent('later')])())).toMatchObject({ actual: 4 });
      const stored = await collect(two.readStream('s'));
      expect(namesOf(stored)).toEqual(['a-0', 'a-1', 'b-0', 'b-1', 'c']);
      // Each event names the one before it, whoever wrote that.
      expect(stored.slice(1).map(({ meta }) => meta.prev)).toEqual(stored.slice(0, -1).map(({ leaf }) => leaf));
      for (const log of [one, two]) {
        expect(await log.streamHead('s')).toBe(4);
        expect(await log.head()).toMatchObject({ size: 5, position: the(stored.at(-1)).position });
      }
    });

    it('the same batch from both is stored once, and both are told where', async () => {
      const [one, two] = await open();
      const batch = someEvents('a', 3);
      const results = await Promise.all([one, two].map((log) => log.append('s', 'noStream', batch)()));
      const [first, second] = results.map((result) => must(result));
      expect(first?.duplicate).toBe(second?.duplicate === false);
      expect({ ...first, duplicate: true }).toEqual({ ...second, duplicate: true });
      expect((await one.head()).size).toBe(3);
      const changed = refusal(await two.append('s', 'noStream', [anEvent('a-0', { name: 'other' })])());
      expect(changed).toMatchObject({ tag: 'IdConflict', storedIn: 's', revision: 0 });
    });

    it('of two that append at one revision one is told the other’s', async () => {
      const [one, two] = await open();
      const results = await Promise.all([
        one.append('s', 'noStream', [anEvent('a')])(),
        two.append('s', 'noStream', [anEvent('b')])(),
      ]);
      expect(results.filter(E.isRight)).toHaveLength(1);
      expect(results.filter(E.isLeft).map(({ left }) => left)).toEqual([
        { tag: 'WrongExpectedRevision', stream: 's', expected: 'noStream', actual: 0 },
      ]);
    });

    it('racing on one stream and on their own loses nothing, and both see one order', async () => {
      const [one, two] = await open();
      const names = (prefix: string) => Array.from({ length: 12 }, (_, i) => `${prefix}-${i}`);
      await Promise.all([
        appendRacing(one, 'common', names('one')),
        appendRacing(two, 'common', names('two')),
        appendRacing(one, 'of-one', names('x')),
        appendRacing(two, 'of-two', names('y')),
      ]);
      const all = await collect(one.readAll());
      expect(all).toHaveLength(48);
      expect((await collect(two.readAll())).map(keyOf)).toEqual(all.map(keyOf));
      const common = all.filter(({ stream }) => stream === 'common');
      expect(common.map(({ revision }) => revision)).toEqual(common.map((_, i) => i));
      for (const prefix of ['one', 'two'])
        expect(namesOf(common).filter((got) => String(got).startsWith(prefix))).toEqual(names(prefix));
      // The events are of no type that the registry knows; apart from that the chain is whole.
      const found = await verify(two, { positions: 'growing' });
      expect(new Set([found.firstDamaged?.check])).toEqual(new Set(['data']));
    });

    it('who follows sees what the other appends, once and in order', async () => {
      const [one, two] = await open();
      await appendTo(one, 's', someEvents('a', 3));
      const stop = new AbortController();
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const item of one.follow({ signal: stop.signal })) {
          if ('tag' in item) {
            seen.push('caught up');
            void appendTo(two, 's', someEvents('b', 4)).then(() => appendTo(two, 't', someEvents('c', 2)));
            continue;
          }
          seen.push(...namesOf([item]));
          if (seen.length === 10) stop.abort();
        }
      })();
      await following;
      expect(seen).toEqual(['a-0', 'a-1', 'a-2', 'caught up', 'b-0', 'b-1', 'b-2', 'b-3', 'c-0', 'c-1']);
    });
  });
};
