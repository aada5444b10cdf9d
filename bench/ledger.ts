import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labelGiven } from '../events/labelGiven';
import { openFileBlobStore } from '../src/adapters/files/blobStore';
import { openSqliteLog } from '../src/adapters/sqlite/eventLog';
import { growSlowly } from '../src/cli/memory';
import { loadPolicy } from '../src/cli/policyFile';
import { derive } from '../src/run/derive';
import { emmettLines } from './emmettLines';
import { fillLedger } from './fillLedger';
import { appendLines } from './ledgerAppends';
import { catchUp, readLines } from './ledgerReads';
import { report as reportLines } from './measure';
import { orThrow, report, rounded } from './table';

/**
 * The ledger at scale: npm run bench -- ledger [--events 1000000] [--derive 1000000,3000000] [--rounds 3] [--folder F]
 *
 * One synthetic ledger of so many events; all ratios in one interleaved run on that file; then derive's time and peak
 * memory, each size in a process of its own. With --folder, ledgers that are there already are used again. TRIPOST_EMMETT
 * is a folder whose node_modules hold @event-driven-io/emmett-sqlite, which is then measured too.
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    derive: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    child: { type: 'string' },
  },
});

const now = (): string => '2026-01-01T00:00:00.000Z';

/** Derives from a ledger and prints what it took: the child process of this bench. */
const child = async (path: string): Promise<void> => {
  growSlowly();
  const policy = loadPolicy('tripost', process.cwd());
  const log = orThrow(await openSqliteLog({ path, mode: 'write', now })());
  const start = performance.now();
  const blobs = openFileBlobStore({ folder: `${path}.blobs` });
  const { manifest } = orThrow(await derive({ policy, seed: 1, scope: {} }, { log, blobs }));
  const seconds = (performance.now() - start) / 1000;
  await log.close();
  const { rows, candidates } = manifest;
  console.log(
    JSON.stringify({ seconds, peakMegabytes: (process.resourceUsage().maxRSS * 1024) / 1e6, rows, candidates }),
  );
};

const fieldsOf = (json: string): ReadonlyMap<string, number> => {
  const parsed: unknown = JSON.parse(json);
  return new Map(Object.entries(typeof parsed === 'object' && parsed !== null ? parsed : {}));
};

const deriveIn = (path: string): ReadonlyMap<string, number> => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [__filename, '--child', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return fieldsOf(stdout.trim());
};

const ledgerOf = async (folder: string, events: number): Promise<string> => {
  const path = join(folder, `ledger-${events}.db`);
  if (existsSync(`${path}.sha256`)) return path;
  const seconds = await fillLedger(path, events, 1);
  const bytes = statSync(path).size;
  console.log(`${events} events, ${rounded(bytes / events)} bytes each in the file, written in ${rounded(seconds)} s`);
  return path;
};

/** 1,000 notes behind everything. */
const addNotes = async (path: string): Promise<void> => {
  const log = orThrow(await openSqliteLog({ path, mode: 'write', now })());
  const events = Array.from({ length: 1000 }, (_, i) =>
    labelGiven.create({ eventId: `e${i}`, label: 'odd', value: true, by: 'bench', supersedes: null }),
  );
  orThrow(await log.append('notes-bench', await log.streamHead('notes-bench'), events)());
  await log.close();
};

/** `folder` is for the ledgers, `work` for all else. */
const measure = async (folder: string, work: string): Promise<void> => {
  const events = Number(values.events);
  const rounds = Number(values.rounds);
  const path = await ledgerOf(folder, events);
  const [ours, copy, states] = [join(work, 'ours.db'), join(work, 'peer.db'), join(work, 'states')];
  copyFileSync(path, ours);
  copyFileSync(path, copy);
  const appended = await appendLines(ours, copy, rounds);
  for (const name of [copy, `${copy}-wal`, `${copy}-shm`]) rmSync(name, { force: true });
  const read = await readLines(path, states, rounds);
  reportLines(`ledger of ${events} events`, [...appended, ...read]);
  const verified = read.find(({ what }) => what === 'verify');
  if (verified !== undefined) console.log(`verify: ${rounded(1e6 / verified.perSecond)} s for each million events`);

  const emmett = await emmettLines(work, rounds);
  if (emmett === undefined) console.log('Emmett: skipped, TRIPOST_EMMETT names no folder that has it');
  else reportLines("against Emmett's SQLite store, each on a file that was empty before", emmett);

  rmSync(ours);
  rmSync(`${ours}.sha256`, { force: true });
  copyFileSync(path, ours);
  const all = await catchUp(ours, join(work, 'anew'));
  await addNotes(ours);
  const since = await catchUp(ours, join(work, 'anew'));
  report('a projection with a saved state', [
    { what: 'folded from the start', events: all.folded, seconds: rounded(all.seconds) },
    { what: 'after 1,000 new events', events: since.folded, seconds: rounded(since.seconds, 2) },
    { what: 'share of a full replay', events: '', seconds: rounded(since.seconds / all.seconds, 2) },
  ]);

  const derived: Record<string, string | number>[] = [];
  for (const size of (values.derive ?? values.events).split(',').map(Number)) {
    const file = await ledgerOf(folder, size);
    const found = deriveIn(file);
    const of = (name: string): number => found.get(name) ?? Number.NaN;
    derived.push({
      events: size,
      candidates: of('candidates'),
      rows: of('rows'),
      seconds: rounded(of('seconds')),
      'events/s': rounded(size / of('seconds')),
      'peak MB': Math.round(of('peakMegabytes')),
    });
  }
  report('derive of the tripost preset, each in a process of its own', derived);
};

const main = async (): Promise<void> => {
  if (values.child !== undefined) return child(values.child);
  const given = values.folder;
  const folder = given ?? mkdtempSync(join(tmpdir(), 'tripost-ledger-'));
  mkdirSync(folder, { recursive: true });
  // Beside the ledgers: on the same disk.
  const work = mkdtempSync(join(folder, 'work-'));
  try {
    await measure(folder, work);
  } finally {
    rmSync(given === undefined ? folder : work, { recursive: true });
  }
};

void main();
