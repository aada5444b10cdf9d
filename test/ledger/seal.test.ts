import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { createMerkleTree } from '../../src/ledger/merkle';
import { rootOf, seal, sealMessage, sealsOf } from '../../src/ledger/seal';
import type { EventLog } from '../../src/ports/eventLog';
import { collect, fieldsOf, must, someEvents, testClock } from '../support/events';
import { fill } from '../support/ledgerEvents';

const open = () => openMemoryLog({ now: testClock() });

describe('sealing', () => {
  it('appends the root over everything before it, and names the seal before', async () => {
    const log = open();
    await fill(log, 2);
    const first = must(await seal(log));
    const tree = createMerkleTree();
    for (const event of (await collect(log.readAll())).slice(0, 8)) tree.append(event.leaf);
    expect(first).toMatchObject({ size: 8, root: tree.root(), written: true });
    must(await log.append('notes', 'noStream', someEvents('later', 1))());
    const second = must(await seal(log));
    const [, event] = await collect(log.readStream('seals'));
    expect(event?.data).toEqual({ size: 10, root: second.root, previousSeal: first.id, signature: null });
    expect(second.root).toBe((await rootOf(log, (await collect(log.readAll()))[9]?.position)).root);
  });

  it('reads no event of a prefix that is known, and seals the same', async () => {
    const log = open();
    await fill(log, 2);
    const tree = createMerkleTree();
    const known = (await collect(log.readAll())).slice(0, 5);
    for (const { leaf } of known) tree.append(leaf);
    const read: string[] = [];
    const watched: EventLog = {
      ...log,
      readAll: async function* (options) {
        for await (const event of log.readAll(options)) {
          read.push(event.position);
          yield event;
        }
      },
    };
    const { size, root } = await rootOf(log);
    const sealed = must(await seal(watched, { known: { end: known.at(-1)?.position, tree } }));
    expect(sealed).toMatchObject({ size, root, written: true });
    expect(read).toEqual(['6', '7', '8']);
  });

  it('writes nothing when nothing is new', async () => {
    const log = open();
    await fill(log, 1);
    const first = must(await seal(log));
    expect(must(await seal(log))).toEqual({ ...first, written: false });
    expect((await log.head()).size).toBe(5);
  });

  it('seals an empty ledger once', async () => {
    const log = open();
    expect(must(await seal(log))).toMatchObject({ size: 0, written: true });
    expect(must(await seal(log)).written).toBe(false);
  });

  it('lets several sealers agree', async () => {
    const log = open();
    await fill(log, 1);
    const seals = (await Promise.all([seal(log), seal(log), seal(log)])).map(must);
    expect(new Set(seals.map((sealed) => sealed.id)).size).toBe(1);
    expect((await log.head()).size).toBe(5);
  });

  it('signs the number of events and the root, under a name that no other protocol signs', async () => {
    const log = open();
    await fill(log, 1);
    let signed = '';
    const sealed = must(await seal(log, { sign: (text) => ((signed = text), 'the signature') }));
    const data = fieldsOf((await log.readEvent(sealed.id))?.data);
    expect([data['signature'], sealed.signature]).toEqual(['the signature', 'the signature']);
    expect(signed).toBe(`tripost-seal-v1\n4\n${sealed.root}\n`);
    expect(sealMessage({ size: 4, root: sealed.root })).toBe(signed);
  });

  it('seals once more where the last seal is unsigned, or signed by somebody else, and not where it is signed so', async () => {
    const log = open();
    await fill(log, 1);
    const bare = must(await seal(log));
    const mine = must(await seal(log, { sign: () => 'mine' }));
    expect(mine).toMatchObject({ size: 5, signature: 'mine', written: true });
    expect(must(await seal(log, { sign: () => 'mine' }))).toEqual({ ...mine, written: false });
    expect(must(await seal(log))).toEqual({ ...mine, written: false });
    expect(must(await seal(log, { sign: () => 'yours' }))).toMatchObject({ size: 6, written: true });
    const seals = await sealsOf(log);
    expect(seals.map(({ size, signature }) => [size, signature])).toEqual([
      [4, null],
      [5, 'mine'],
      [6, 'yours'],
    ]);
    expect(seals.map(({ previousSeal }) => previousSeal)).toEqual([null, bare.id, mine.id]);
  });
});
