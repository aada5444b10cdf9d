import * as fc from 'fast-check';
import { collectionOfRun } from '../../events/collectionOfRun';
import type { LedgerEvent } from '../../events/index';
import { iterationStarted } from '../../events/iterationStarted';
import { addTrajectory, baseCheckpoint, LedgerBuilder, pose, sum, type TrajectorySpec } from '../support/builders';

const outcome = fc.constantFrom<NonNullable<TrajectorySpec['outcome']>[]>('feedback-only', 'discarded', 'open');

/** Any trajectory at one of nine problems: some attempts, right or wrong, by anybody, in two passes of two iterations. */
export const anySpec: fc.Arbitrary<TrajectorySpec> = fc
  .record({
    n: fc.integer({ min: 1, max: 9 }),
    pass: fc.integer({ min: 0, max: 1 }),
    iteration: fc.integer({ min: 1, max: 2 }),
    wrong: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    right: fc.boolean(),
    improver: fc.constantFrom('student' as const, 'teacher' as const, 'script' as const),
    otherwise: fc.option(outcome, { nil: undefined }),
  })
  .map(({ n, pass, iteration, wrong, right, improver, otherwise }): TrajectorySpec => {
    const says = [...wrong.map((w) => 11 * n + w), ...(right ? [11 * n] : [])];
    const spec = { sum: sum(n), pass, iteration, says, improver };
    return otherwise === undefined ? spec : { ...spec, outcome: otherwise };
  });

export const anySpecs = fc.uniqueArray(anySpec, {
  maxLength: 24,
  selector: (s) => `${s.iteration ?? 1} ${s.pass ?? 0} ${s.sum.problemId}`,
});

/** The ledger of these trajectories at `problems` posed problems. */
export const ledgerOf = (specs: readonly TrajectorySpec[], problems = 9): LedgerBuilder => {
  const ledger = new LedgerBuilder();
  for (let n = 1; n <= problems; n++) pose(ledger, sum(n));
  const student = { kind: 'checkpoint', digest: baseCheckpoint } as const;
  for (const iteration of [1, 2])
    ledger.add(iterationStarted, {
      runId: 'run-a',
      iteration,
      student,
      problemSet: 'sums',
      collectionId: collectionOfRun('run-a', iteration),
    });
  for (const spec of specs) addTrajectory(ledger, spec);
  return ledger;
};

/** The same streams, each in its order, interleaved another way; the numbers pick the stream that goes on. */
export const interleaved = (events: readonly LedgerEvent[], picks: readonly number[]): readonly LedgerEvent[] => {
  const streams = new Map<string, LedgerEvent[]>();
  for (const event of events) {
    const known = streams.get(event.stream);
    if (known === undefined) streams.set(event.stream, [event]);
    else known.push(event);
  }
  const waiting = [...streams.values()].map((list) => [...list].reverse());
  const out: LedgerEvent[] = [];
  for (let i = 0; waiting.length > 0; i++) {
    const at = (picks[i % Math.max(1, picks.length)] ?? 0) % waiting.length;
    const next = waiting[at]?.pop();
    if (next !== undefined) out.push(next);
    if (waiting[at]?.length === 0) waiting.splice(at, 1);
  }
  return out;
};
