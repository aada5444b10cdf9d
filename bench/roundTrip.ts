import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packageRoot } from '../src/cli/packageRoot';
import { startKurrentServer } from '../test/support/kurrentServer/server';
import { report, rounded } from './table';

/**
 * A ledger copied from a file to KurrentDB and back by the command line: at every place the roots must agree, before and
 * after the same datasets were derived there, and so must the datasets' digests. The server is the loopback server of the
 * tests in this process, or that of KURRENTDB_URL. The ledger itself is left as it is: a copy of it goes on the way.
 *
 * Usage: node dist/bench/roundTrip.js [ledger] [policy...]; exits 1 when anything differs.
 */
const cli = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
const usual = ['tripost', 'tripost-no-balance', 'rft', 'ft-rationale'];

const run = (folder: string, args: readonly string[]): Promise<string> =>
  new Promise((done, reject) => {
    const options = { cwd: folder, maxBuffer: 2 ** 28 };
    execFile(process.execPath, [cli, ...args, '--json'], options, (failure, stdout, stderr) => {
      if (failure === null) done(stdout);
      else reject(new Error(`tripost ${args.join(' ')}\n${stdout}${stderr}`));
    });
  });

interface Copied {
  readonly from: { readonly size: number; readonly root: string };
  readonly to: { readonly size: number; readonly root: string };
  readonly blobs: { readonly copied: number } | null;
}

const timed = async <T>(work: () => Promise<T>): Promise<readonly [T, number]> => {
  const start = process.hrtime.bigint();
  const done = await work();
  return [done, rounded(Number(process.hrtime.bigint() - start) / 1e9)];
};

const main = async (): Promise<void> => {
  const [ledger = join(packageRoot, 'demo', 'ledger.db'), ...given] = process.argv.slice(2);
  const policies = given.length > 0 ? given : usual;
  const folder = mkdtempSync(join(tmpdir(), 'tripost-round-trip-'));
  const real = process.env['KURRENTDB_URL'] ?? '';
  const server = real === '' ? await startKurrentServer() : undefined;
  const base = server?.url ?? real;
  const url = `${base}${base.includes('?') ? '&' : '?'}ledger=round-trip-${randomUUID()}`;
  const places = [
    { name: 'SQLite', ledger: 'a.db' },
    { name: server === undefined ? 'KurrentDB' : 'KurrentDB loopback', ledger: url },
    { name: 'SQLite again', ledger: 'b.db' },
  ];
  try {
    const copy = async (from: string, to: string): Promise<Copied> =>
      JSON.parse(await run(folder, ['copy', from, to, '-q']));
    const copies: { readonly done: Copied; readonly took: number }[] = [];
    let from = resolve(ledger);
    for (const place of places) {
      const [done, took] = await timed(() => copy(from, place.ledger));
      copies.push({ done, took });
      from = place.ledger;
    }
    const rows: Record<string, string | number>[] = [];
    for (const [i, place] of places.entries()) {
      const { done, took } = copies[i] ?? {};
      const digests: Record<string, string> = {};
      const [, deriving] = await timed(async () => {
        for (const policy of policies) {
          const { dataset }: { readonly dataset: string } = JSON.parse(
            await run(folder, ['derive', '--policy', policy, '--ledger', place.ledger]),
          );
          digests[policy] = dataset.slice(0, 16);
        }
      });
      const [verified, verifying] = await timed(
        async (): Promise<{ readonly root: string; readonly events: number }> =>
          JSON.parse(await run(folder, ['verify', '--ledger', place.ledger])),
      );
      rows.push({
        place: place.name,
        events: done?.to.size ?? 0,
        root: done?.to.root.slice(0, 16) ?? '',
        'copied in s': took ?? 0,
        ...digests,
        'derived in s': deriving,
        'root then': verified.root.slice(0, 16),
        'verified in s': verifying,
      });
    }
    const differing = ['events', 'root', ...policies, 'root then'].filter(
      (column) => new Set(rows.map((row) => row[column])).size > 1,
    );
    report(`${ledger}: file, server, file`, rows);
    console.log(differing.length === 0 ? 'equal at every place' : `DIFFERENT: ${differing.join(', ')}`);
    if (differing.length > 0) process.exitCode = 1;
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

void main();
