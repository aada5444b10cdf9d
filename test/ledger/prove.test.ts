import { canonicalJson } from '../../events/digest';
import type { RecordedEvent } from '../../events/envelope';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { flawsOf, headOf, type InclusionProof } from '../../src/ledger/proofFile';
import { proveConsistency, proveInclusion } from '../../src/ledger/prove';
import { rootOf, seal } from '../../src/ledger/seal';
import type { EventLog } from '../../src/ports/eventLog';
import { collect, must, testClock, the } from '../support/events';
import { fill } from '../support/ledgerEvents';

const filled = async (trajectories: number): Promise<{ log: EventLog; events: readonly RecordedEvent[] }> => {
  const log = openMemoryLog({ now: testClock() });
  await fill(log, trajectories);
  must(await seal(log));
  return { log, events: await collect(log.readAll()) };
};

const rootAt = async (log: EventLog, events: readonly RecordedEvent[], size: number) => ({
  ...(await rootOf(log, the(events[size - 1]).position)),
  signature: null,
});

describe('an inclusion proof', () => {
  it('of any event, against any root over it, holds; against an older root there is none', async () => {
    const { log, events } = await filled(3);
    for (let size = 1; size <= events.length; size++) {
      const root = await rootAt(log, events, size);
      for (const [index, event] of events.slice(0, size).entries()) {
        const proof = must(await proveInclusion(log, event, root));
        expect([flawsOf(proof), headOf(proof)]).toEqual([[], root]);
        expect(proof).toMatchObject({ eventId: event.id, index, size, leaf: event.leaf });
        const { stream, revision, id, type, version, data, meta } = event;
        expect(proof.event).toBe(canonicalJson({ stream, revision, id, type, version, data, meta }));
      }
      for (const [i, event] of events.slice(size).entries())
        expect(await proveInclusion(log, event, root)).toMatchObject({
          left: { tag: 'NotSealed', index: size + i, size },
        });
    }
  });

  it('tells what was changed in it', async () => {
    const { log, events } = await filled(3);
    const proof = must(await proveInclusion(log, the(events[5]), await rootAt(log, events, 12)));
    const checks = (changed: Partial<InclusionProof>): readonly string[] =>
      flawsOf({ ...proof, ...changed }).map(({ check }) => check);
    const forged = proof.event.replace('"round":0', '"round":1');
    expect(forged).not.toBe(proof.event);
    expect(checks({ event: forged })).toEqual(['leaf', 'root']);
    expect(checks({ eventId: the(events[6]).id })).toEqual(['event']);
    expect(checks({ index: 6 })).toEqual(['path']);
    expect(checks({ path: proof.path.slice(1) })).toEqual(['path']);
    expect(checks({ root: proof.leaf })).toEqual(['root']);
    expect(checks({ event: 'no JSON' })).toEqual(['leaf', 'event', 'root']);
  });

  it('is refused where the ledger has another root, an event that was changed, or too few events', async () => {
    const { log, events } = await filled(2);
    const root = await rootAt(log, events, 8);
    const event = the(events[2]);
    const differs = { left: { tag: 'RootDiffers', size: 8 } };
    expect(await proveInclusion(log, event, { ...root, root: event.leaf })).toMatchObject(differs);
    const changed = { ...event, data: { forged: true } };
    expect(await proveInclusion(log, changed, root)).toMatchObject(differs);
    const more = { ...root, size: 99 };
    expect(await proveInclusion(log, event, more)).toMatchObject({ left: { tag: 'RootDiffers', got: null } });
  });
});

describe('a consistency proof', () => {
  it('between any two roots of a ledger holds', async () => {
    const { log, events } = await filled(3);
    for (let size = 1; size <= events.length; size++) {
      for (let old = 1; old <= size; old++) {
        const [from, to] = [await rootAt(log, events, old), await rootAt(log, events, size)];
        const proof = must(await proveConsistency(log, from, to));
        expect([flawsOf(proof), headOf(proof)]).toEqual([[], to]);
      }
    }
  });

  it('is refused for a root that the ledger never had, and tells what was changed in it', async () => {
    const { log, events } = await filled(2);
    const [from, to] = [await rootAt(log, events, 5), await rootAt(log, events, 8)];
    const other = the(events[0]).leaf;
    expect(await proveConsistency(log, { ...from, root: other }, to)).toMatchObject({
      left: { tag: 'RootDiffers', size: 5, expected: other, got: from.root },
    });
    expect(await proveConsistency(log, from, { ...to, size: 99 })).toMatchObject({
      left: { tag: 'RootDiffers', size: 99, got: null },
    });
    const proof = must(await proveConsistency(log, from, to));
    for (const changed of [
      { ...proof, from: { size: 5, root: other } },
      { ...proof, to: { size: 9, root: to.root } },
      { ...proof, path: proof.path.slice(1) },
    ])
      expect(flawsOf(changed).map(({ check }) => check)).toEqual(['path']);
  });
});
