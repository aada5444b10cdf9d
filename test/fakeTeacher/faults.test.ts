import { faultNames, faultOf, readFaults, type FaultName } from '../../src/fakeTeacher/faults';

const all = readFaults('all');
const faults: readonly FaultName[] = all.ok ? all.faults : [];
const contents = Array.from({ length: 4000 }, (_, i) => `request ${i}`);
const settings = { seed: 7, faults, rate: 0.2 };

describe('readFaults', () => {
  it('knows every name, all, and none', () => {
    const names = Object.keys(faultNames);
    expect(readFaults(names.join(', '))).toEqual({ ok: true, faults: names });
    expect(faults).toEqual(names.filter((name) => name !== 'wrong-key' && name !== 'unknown-model'));
    expect(readFaults('')).toEqual({ ok: true, faults: [] });
    expect(readFaults('all,wrong-key,cut')).toEqual({ ok: true, faults: [...faults, 'wrong-key'] });
    expect(readFaults('cut,toString')).toMatchObject({ ok: false, message: expect.stringContaining('"toString"') });
  });
});

describe('faultOf', () => {
  it('meets about the share that it is told, each kind of them', () => {
    const met = contents.map((content) => faultOf(settings, content, 0));
    const share = met.filter((fault) => fault !== undefined).length / met.length;
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.26);
    expect(new Set(met.filter((fault) => fault !== undefined))).toEqual(new Set(faults));
  });

  it('depends on seed, content and attempt, and on nothing else', () => {
    const drawn = (seed: number, attempt: number) =>
      contents.slice(0, 200).map((content) => faultOf({ ...settings, seed }, content, attempt));
    expect(drawn(7, 0)).toEqual(drawn(7, 0));
    expect(drawn(7, 0)).not.toEqual(drawn(8, 0));
    expect(drawn(7, 0)).not.toEqual(drawn(7, 1));
  });

  it('that lasts is met at every attempt', () => {
    const lasting = contents.filter((content) => faultOf(settings, content, 0) === 'too-long');
    expect(lasting.length).toBeGreaterThan(5);
    for (const content of lasting)
      expect([1, 2, 9].map((attempt) => faultOf(settings, content, attempt))).toEqual(Array(3).fill('too-long'));
  });

  it('is none where none is asked for', () => {
    expect(contents.map((content) => faultOf({ ...settings, faults: [] }, content, 0))).toEqual(
      contents.map(() => undefined),
    );
  });
});
