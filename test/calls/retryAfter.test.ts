import * as fc from 'fast-check';
import { retryAfterMs } from '../../src/calls/retryAfter';

const now = Date.UTC(2026, 10, 24, 12, 0, 0);

describe('retryAfterMs', () => {
  it.each<[string | null, number | null]>([
    ['0', 0],
    ['7', 7000],
    [' 120 ', 120_000],
    ['0.25', 250],
    ['250ms', 250],
    ['12.5ms', 13],
    ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 11:59:30 GMT', 0],
    ['Wed, 25 Nov 2026 12:00:00 GMT', 86_400_000],
    ['Tuesday, 24-Nov-26 12:00:30 GMT', null],
    ['-1', null],
    ['soon', null],
    ['', null],
    [null, null],
  ])('%j is %j', (value, expected) => {
    expect(retryAfterMs(value, now)).toBe(expected);
  });

  it('reads every date that this machine writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        const at = seconds * 1000;
        expect(retryAfterMs(new Date(at).toUTCString(), 0)).toBe(at);
      }),
    );
  });
});
