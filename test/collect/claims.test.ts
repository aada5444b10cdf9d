import { Claims } from '../../src/collect/claims';

const workId = 'c';
const claimed = (claimant: string, claim: number, items: readonly string[]) => ({
  type: 'WorkClaimed' as const,
  data: { workId, claimant, claim, items: [...items], leaseSeconds: 10 },
});
const kept = (claimant: string, claim: number, beat: number) => ({
  type: 'ClaimKept' as const,
  data: { workId, claimant, claim, beat },
});
const ended = (claimant: string, claim: number, done: boolean) => ({
  type: 'ClaimEnded' as const,
  data: { workId, claimant, claim, done },
});

it('a claim keeps others out until its lease is over, counted from its last sign of life', () => {
  const claims = new Claims();
  expect(claims.isFree('x', 0)).toBe(true);
  claims.apply(claimed('a', 0, ['x', 'y']), 1000);
  expect([claims.isFree('x', 11_000), claims.isFree('z', 11_000)]).toEqual([false, true]);
  expect(claims.isFree('x', 11_001)).toBe(true);
  claims.apply(kept('a', 0, 0), 9000);
  expect([claims.isFree('x', 19_000), claims.isFree('x', 19_001)]).toEqual([false, true]);
});

it('work that is done is never free, work that was given back is at once', () => {
  const claims = new Claims();
  claims.apply(claimed('a', 0, ['x']), 0);
  claims.apply(ended('a', 0, true), 1);
  claims.apply(claimed('a', 1, ['y']), 2);
  claims.apply(ended('a', 1, false), 3);
  expect([claims.isDone('x'), claims.isFree('x', 1e9)]).toEqual([true, false]);
  expect([claims.isDone('y'), claims.isFree('y', 3)]).toEqual([false, true]);
});

it('a later claim takes over, whole or in part, and its former holder has no say any more', () => {
  const claims = new Claims();
  claims.apply(claimed('a', 0, ['x', 'y']), 0);
  expect(claims.holds(Claims.nameOf('a', 0))).toBe(true);
  claims.apply(claimed('b', 0, ['y']), 20_000);
  expect([claims.holds('a/0'), claims.holds('b/0')]).toEqual([false, true]);
  claims.apply(ended('a', 0, true), 20_001);
  expect([claims.isDone('x'), claims.isDone('y'), claims.isFree('y', 20_002)]).toEqual([true, false, false]);
  claims.apply(kept('a', 0, 0), 20_003);
  expect(claims.isFree('y', 30_001)).toBe(true);
});
