import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { syntheticLedger } from './syntheticLedger';
import { orThrow } from './table';

/** Appends under way at once: they share a transaction. */
const together = 2000;

/** Writes a synthetic ledger of so many events into a file; gives the seconds it took. */
export const fillLedger = async (path: string, events: number, seed: number): Promise<number> => {
  const start = performance.now();
  const now = (): string => '2026-01-01T00:00:00.000Z';
  const log = orThrow(await openSqliteLog({ path, mode: 'write', now })());
  const heads = new Map<string, number>();
  const queued: Promise<unknown>[] = [];
  for (const { stream, events: some } of syntheticLedger(events, seed)) {
    const head = heads.get(stream);
    heads.set(stream, (head ?? -1) + some.length);
    // A trajectory comes in two appends; the second is its last.
    if (head !== undefined && stream.startsWith('trajectory-')) heads.delete(stream);
    queued.push(
      log
        .append(stream, head ?? 'noStream', some)()
        .then(orThrow),
    );
    if (queued.length === together) await Promise.all(queued.splice(0));
  }
  await Promise.all(queued);
  await log.close();
  return (performance.now() - start) / 1000;
};
