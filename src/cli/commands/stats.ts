import { stats as statsProjection, type Stats } from '../../../projections/stats';
import type { BlobStore } from '../../ports/blobStore';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command, type Context } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { stop } from '../faults';
import { statesOver } from '../namedBlobs';
import { inOrder } from '../inOrder';
import { stateOf } from '../savedState';
import { table } from '../tables';

interface Blobs {
  readonly count: number;
  readonly bytes: number;
}

interface BlobStats {
  /** Blobs that the events read name, and all others in the store: left by a crash, or named by later events only. */
  readonly named: Blobs;
  readonly other: Blobs;
  /** Named and needed, and not in the store. */
  readonly missing: number;
}

/** What the store holds of the blobs that are named; those that are over may be gone. */
const blobStats = async (
  blobs: BlobStore,
  named: ReadonlySet<string>,
  over: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<BlobStats> => {
  const missing = new Set([...named].filter((digest) => !over.has(digest)));
  const sums = { named: { count: 0, bytes: 0 }, other: { count: 0, bytes: 0 } };
  for await (const digest of blobs.list()) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: 'not all blobs were counted' });
    missing.delete(digest);
    const sum = named.has(digest) ? sums.named : sums.other;
    sum.count += 1;
    sum.bytes += (await blobs.size(digest)) ?? 0;
  }
  return { ...sums, missing: missing.size };
};

/** Bytes as people read them: 1 kB is 1,000 bytes. */
export const size = (bytes: number): string => {
  let [n, unit] = [bytes, 'B'];
  for (const next of ['kB', 'MB', 'GB', 'TB']) {
    if (n < 1000) break;
    [n, unit] = [n / 1000, next];
  }
  return unit === 'B' ? `${n} B` : `${n.toFixed(1)} ${unit}`;
};

const counts = (record: Readonly<Record<string, number>>): string =>
  inOrder(record)
    .map(([name, n]) => `${n} ${name}`)
    .join(', ');

const lines = (found: Stats, blobs: BlobStats): readonly string[] => {
  const { calls, datasets, trainings, checkpoints, notes, sealed } = found;
  const tokens = (each: { readonly promptTokens: number; readonly completionTokens: number }): string =>
    `${each.promptTokens} prompt and ${each.completionTokens} completion tokens`;
  const behind = sealed === null ? 0 : found.events - sealed.size;
  return [
    table(
      ['event', 'events', 'data'],
      inOrder(found.types).map(([name, { events, bytes }]) => [name, events, size(bytes)]),
    ),
    table(
      ['stream', 'streams', 'events', 'data'],
      inOrder(found.families).map(([name, { streams, events, bytes }]) => [name, streams, events, size(bytes)]),
    ),
    `events       ${found.events} in ${found.streams} streams, ${size(found.bytes)} of data`,
    `recorded     ${found.first === null ? 'nothing yet' : `${found.first} to ${found.last}`}`,
    `runs         ${found.runs}, ${found.iterations} iterations, ${found.collections} collections, ${found.problems} problems`,
    `trajectories ${counts(found.trajectories)}`,
    `calls        ${calls.calls} with ${tokens(calls)}; ${calls.failed} attempts failed, ${calls.givenUp} were given up`,
    ...inOrder(calls.byAuthor).map(([name, each]) => `  ${name.padEnd(10)} ${each.calls} with ${tokens(each)}`),
    `datasets     ${datasets.different}, derived ${datasets.derived} times`,
    `trainings    ${trainings.started} started, ${trainings.completed} completed, ${trainings.steps} steps`,
    `checkpoints  ${checkpoints.students} students, ${checkpoints.states} states to resume from`,
    `evaluations  ${found.evaluations}`,
    `notes        ${notes.retractions} retractions, ${notes.labels} labels`,
    sealed === null
      ? 'sealed       nothing yet: `tripost seal`'
      : `sealed       the first ${sealed.size} events, root ${sealed.root}; ${behind} behind them`,
    `blobs        ${blobs.named.count} named, ${size(blobs.named.bytes)}; ${blobs.other.count} others, ${size(blobs.other.bytes)}; ${blobs.missing} missing`,
  ];
};

const print = async (found: Stats, blobs: BlobStats, context: Context): Promise<void> => {
  if (context.json) await context.out.json({ ...found, blobs });
  else for (const line of lines(found, blobs)) await context.out.line(line);
};

export const stats: Command = {
  name: 'stats',
  summary: 'How much of what the ledger and its blobs hold: events, calls, tokens, trajectories, bytes',
  json: 'object',
  details: [
    'bytes of events are those of their data as canonical JSON, without names, hashes and indexes. Blobs that no event names were left',
    'by a crash, or are named behind --at; the blobs are counted as they are now.',
    'JSON: {events, bytes, streams, first, last, types: {<type>: {events, bytes}}, families: {<family>: {events, bytes, streams}}, runs,',
    'iterations, collections, problems, trajectories: {<outcome>: n, open}, calls: {calls, promptTokens, completionTokens, failed,',
    'givenUp, byAuthor}, datasets: {different, derived}, trainings: {started, completed, steps}, checkpoints: {students, states},',
    'evaluations, notes: {retractions, labels}, seals, sealed: {size, root} or null, blobs: {named: {count, bytes}, other, missing}}.',
  ].join('\n'),
  arguments: [],
  flags: [ledgerFlag, atFlag, jsonFlag],
  examples: ['tripost stats', 'tripost stats --json | jq .calls', 'tripost stats --at 2026-11-24'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const state = await stateOf(statsProjection, { log, states: ledger.states }, args, context);
      const over = await statesOver(ledger.log);
      const blobs = await blobStats(ledger.blobs, new Set(state.blobs.keys()), over, context.signal);
      await print(statsProjection.view(state), blobs, context);
      return 'ok';
    }),
};
