import * as E from 'fp-ts/Either';
import { ablationStarted } from '../../events/ablationStarted';
import { Share, type SharePorts } from '../collect/share';
import { appendOnce } from '../ledger/openStream';
import type { EventLog } from '../ports/eventLog';
import type { RunError, RunSummary } from '../run/runContext';
import {
  runCells,
  type AblateError,
  type AblateProgress,
  type Ablated,
  type Ablation,
  type PlannedCell,
} from './ablate';

export interface SharedAblation {
  readonly log: EventLog;
  readonly share: SharePorts;
  /** Aborts when the process is to stop. */
  readonly signal: AbortSignal;
  /** Makes one cell's run; ends early, with `Cancelled`, when its signal aborts. */
  readonly run: (cell: PlannedCell, signal: AbortSignal) => Promise<E.Either<RunError, RunSummary>>;
  readonly onProgress: (progress: AblateProgress) => void;
}

/** The seeds of an ablation, in order: the cells of one share collections, so one process does them all. */
const seedsOf = ({ cells }: Ablation): readonly number[] => [...new Set(cells.map(({ cell }) => cell.seed))];

/**
 * Runs an ablation together with other processes that do the same: each claims a seed, runs its cells, and claims the next,
 * until all are done. What cells of two seeds agree in (problems, a base that is trained here) may be computed by both at
 * once: it is the same to the byte, so the second one's appends are found to be there. A seed whose process died is taken
 * over with all that is on the ledger. Counts only the empty cells that this process met itself.
 */
export const ablateShared = async (
  ablation: Ablation,
  { log, share, signal, run, onProgress }: SharedAblation,
): Promise<E.Either<AblateError, Ablated>> => {
  const { started } = ablation;
  const noted = await appendOnce(log, ablationStarted.stream(started), ablationStarted.create(started));
  if (E.isLeft(noted)) return noted;
  const claims = new Share<number>(log, started.ablationId, share, signal);
  const empty: Ablated['empty'][number][] = [];
  for (;;) {
    const next = await claims.next(seedsOf(ablation), 1, (seed) => `seed ${seed}`);
    if (E.isLeft(next)) return next;
    const total = ablation.cells.length;
    if (next.right.kind === 'nothing') return E.right({ empty });
    if (next.right.kind === 'aborted') return E.left({ tag: 'Cancelled', done: 0, total });
    const seeds = new Set(next.right.items);
    const [over, lost] = [new AbortController(), new AbortController()];
    const kept = claims.keepUntil(over.signal).then((held) => {
      if (E.isLeft(held) || !held.right) lost.abort();
      return held;
    });
    const mine = AbortSignal.any([signal, lost.signal]);
    const done = await runCells(
      ablation.cells.filter(({ cell }) => seeds.has(cell.seed)),
      total,
      (cell) => run(cell, mine),
      onProgress,
    );
    over.abort();
    const held = await kept;
    if (E.isRight(done)) {
      empty.push(...done.right.empty);
      claims.finish();
      continue;
    }
    // Slow rather than dead: whoever took the seed over goes on with it.
    if (lost.signal.aborted && E.isRight(held)) {
      claims.forget();
      continue;
    }
    await claims.giveBack();
    return E.isLeft(held) ? held : done;
  }
};
