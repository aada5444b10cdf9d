import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../events/digest';
import { jsonOf, runCli, tinyConfig, tinyLedger, tinyReport, type Ran, type RunOptions } from '../support/cliBuild';
import { fieldsOf, the } from '../support/events';
import { closeAll, serve } from '../support/kurrentServer/opened';
import type { KurrentServer } from '../support/kurrentServer/server';
import { newFolder, removeFolders } from '../support/ledgerFile';

// The command line as processes of their own, against the loopback server in this one: it shows that our side of the
// protocol is right, not what KurrentDB does.
jest.setTimeout(180_000);

let folder: string;
beforeEach(() => {
  folder = newFolder();
});
afterEach(closeAll);
afterAll(removeFolders);

const cli = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  runCli(args, { cwd: folder, ...options });

/** The JSON of a command that must succeed. */
const json = async (...args: readonly string[]) => {
  const ran = await cli([...args, '--json']);
  if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stdout}${ran.stderr}`);
  return jsonOf(ran);
};

const lines = async (...args: readonly string[]): Promise<readonly Json[]> => {
  const ran = await cli(args);
  if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stderr}`);
  return ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Json => JSON.parse(line));
};

/** Everything of the events but the times at which stores recorded them. */
const eventsOf = async (ledger: string, ...args: readonly string[]) =>
  (await lines('log', '--json', '--ledger', ledger, ...args)).map((event) => ({ ...fieldsOf(event), recordedAt: '' }));

const filesOf = (at: string): readonly string[] => readdirSync(at, { recursive: true }).map(String).sort();

const isMirror = (name: string): boolean => /\.mirror(-\d+)?\.db$/.test(name);
const mirrorsIn = (at: string): readonly string[] => filesOf(at).filter(isMirror);

const sizeOf = async ({ store }: KurrentServer, prefix: string): Promise<number> => {
  let size = 0;
  for await (const { stream } of store.log.readAll()) if (stream.startsWith(prefix)) size += 1;
  return size;
};

describe('a ledger on the way from a file to a server and back', () => {
  it('is the same to every question, at every place', async () => {
    const { url } = await serve();
    const file = tinyLedger(folder);
    const server = `${url}&ledger=tiny`;
    const there = await json('copy', file, server, '-q');
    const back = await json('copy', server, 'back.db', '-q');
    const { root, events: size } = tinyReport();
    // The run's own root is that of its last seal; the copy's is over the seal too.
    expect(there).toMatchObject({ present: 0, from: { ledger: file }, blobs: { present: 0, missing: [] } });
    expect(there.from.size).toBeGreaterThan(size);
    expect([there.to.root, back.from.root, back.to.root]).toEqual(Array(3).fill(there.from.root));
    expect(back.blobs.copied).toBe(there.blobs.named);
    expect(there.blobs.named).toBeGreaterThan(5);

    const places = [file, server, 'back.db'];
    const answers = async (ask: (ledger: string) => Promise<unknown>): Promise<readonly unknown[]> => {
      const found: unknown[] = [];
      for (const place of places) found.push(await ask(place));
      return found;
    };
    const equal = async (ask: (ledger: string) => Promise<unknown>): Promise<unknown> => {
      const [first, second, third] = await answers(ask);
      expect(second).toEqual(first);
      expect(third).toEqual(first);
      return first;
    };

    // Positions too: the n-th event is at position n everywhere.
    const all = await equal((ledger) => eventsOf(ledger));
    expect(all).toHaveLength(there.from.size);
    await equal((ledger) => eventsOf(ledger, '--at', '100', '--type', 'GenerationProduced'));
    await equal((ledger) => json('why', 'latest#0', '--ledger', ledger));
    await equal((ledger) => json('trace', 'latest#0', '--text', '--ledger', ledger));
    const verified = await equal(async (ledger) => {
      const { storage, ...found } = await json('verify', '--blobs', '--ledger', ledger);
      expect(storage.ok).toBe(true);
      return found;
    });
    expect(verified).toMatchObject({ ok: true, root: there.from.root, sealed: { root }, blobs: { missing: [] } });
    await equal((ledger) =>
      json('verify', '--at', '200', '--ledger', ledger).then(({ root: at, events }) => [at, events]),
    );

    // Deriving appends: the same dataset, recorded at the end of each.
    await equal((ledger) => json('derive', '--policy', 'tripost-no-balance', '--seed', '3', '--ledger', ledger));
    await equal((ledger) => json('derive', '--policy', 'tripost-no-filter', '--at', '150', '--ledger', ledger));
    const roots = await equal(async (ledger) => (await json('verify', '--ledger', ledger)).root);
    expect(roots).not.toBe(there.from.root);
    expect((await json('copy', server, 'back.db', '-q')).appended).toBe(0);
    expect(mirrorsIn(folder)).toHaveLength(1);
  });
});

describe('a run on a server', () => {
  it('makes what it makes on a file, and finds it there again', async () => {
    const { url } = await serve();
    const args = ['run', tinyConfig, '--ledger', url, '-q'];
    const plan = await json(...args, '--dry-run');
    expect(plan).toMatchObject({ ledger: url, known: { iterations: 0, calls: 0 } });
    const { ledger, ...report } = await json(...args);
    const { ledger: _, ...expected } = JSON.parse(JSON.stringify({ ledger: '', ...tinyReport() }));
    expect(ledger).toBe(url);
    expect(report).toEqual(expected);
    expect((await json(...args, '--dry-run')).known).toMatchObject({ iterations: 2 });
    const again = await json(...args);
    expect(again).toMatchObject({ root: report.root, iterations: report.iterations });
    expect(again.reused.steps).toBeGreaterThan(0);
    expect((await json('verify', '--blobs', '--ledger', url)).storage.checks).toEqual([
      { name: 'mirror', ok: true, message: expect.stringContaining('holds the same') },
    ]);
    const shown = await cli(['run', tinyConfig, '--ledger', url, '-q']);
    expect(shown.stdout).toContain(`tripost verify --ledger '${url}'`);
  });
});

describe('copy', () => {
  it('killed in the middle goes on behind what is there, and ends with the same root', async () => {
    const server = await serve();
    const file = tinyLedger(folder);
    const target = `${server.url}&ledger=k`;
    let appends = 0;
    // The child hangs at its 40th append, and is killed there.
    server.faults.by((operation, count) => (operation === 'append' && count === 40 ? { kind: 'silent' } : undefined));
    const killed = await cli(['copy', file, target, '--no-blobs', '-q'], {
      during: (child) => {
        const look = setInterval(() => {
          if (server.faults.count('append') <= 40) return;
          clearInterval(look);
          child.kill('SIGKILL');
        }, 10);
      },
    });
    expect(killed.signal).toBe('SIGKILL');
    appends = server.faults.count('append');
    const there = await sizeOf(server, 'k.');
    expect(there).toBeGreaterThanOrEqual(40);
    server.faults.none();
    const done = await json('copy', file, target, '--no-blobs', '-q');
    expect(done).toMatchObject({ present: there, blobs: null });
    expect(done.to).toMatchObject({ root: done.from.root, size: done.from.size });
    expect(done.present + done.appended).toBe(done.from.size);
    expect(server.faults.count('append') - appends).toBeLessThanOrEqual(done.appended);
    expect(await sizeOf(server, 'k.')).toBe(done.from.size);
  });

  it('goes on through connections that are cut, before an append is done and after', async () => {
    const server = await serve();
    const file = tinyLedger(folder);
    server.faults.by((operation, count) => {
      if (operation === 'append' && count % 30 === 7) return { kind: 'cut' };
      if (operation === 'append' && count % 30 === 19) return { kind: 'cutAfter' };
      return operation === 'deliver' && count % 400 === 399 ? { kind: 'cut' } : undefined;
    });
    const done = await json('copy', file, `${server.url}&ledger=c`, '-q');
    expect(server.faults.count('append')).toBeGreaterThan(60);
    expect(done.to).toMatchObject({ root: done.from.root, size: done.from.size });
    expect(await sizeOf(server, 'c.')).toBe(done.from.size);
    // Readings are cut too, and the subscription that tells the mirror of a new event.
    const before = server.faults.count('deliver');
    const cuts = new Set([100, 250, 420].map((n) => before + n));
    server.faults.by((operation, count) => {
      if (operation === 'push' && count % 2 === 0) return { kind: 'cut' };
      return operation === 'deliver' && cuts.has(count) ? { kind: 'cut' } : undefined;
    });
    const found = await json('verify', '--ledger', `${server.url}&ledger=c`);
    expect(found).toMatchObject({ ok: true, root: done.from.root, storage: { ok: true } });
    const derive = (ledger: string) => json('derive', '--policy', 'ft-rationale', '--ledger', ledger);
    expect(await derive(`${server.url}&ledger=c`)).toEqual(await derive(file));
    expect(server.faults.count('push')).toBeGreaterThan(0);
  });

  it('refuses a target that holds something else, a source that is not there, and one ledger twice', async () => {
    const { url } = await serve();
    const file = tinyLedger(folder);
    await json('copy', file, url, '-q', '--no-blobs');
    await json('derive', '--ledger', url, '--policy', 'ft-rationale', '--blob-folder', 'ledger.db.blobs');
    await json('derive', '--ledger', file, '--policy', 'tripost-no-balance');
    const refused = await cli(['copy', file, url, '--json']);
    expect(refused.code).toBe(13);
    expect(refused.stderr).toContain('The target holds something else than a beginning of the source.');
    expect(jsonOf(refused)).toMatchObject({ ok: false, error: { kind: 'CopyDiffers' } });
    expect((await cli(['copy', 'none.db', url])).code).toBe(3);
    expect((await cli(['copy', `${url}&ledger=none`, 'new.db'])).code).toBe(3);
    expect(existsSync(join(folder, 'new.db'))).toBe(false);
    const twice = await cli(['copy', file, file]);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('are the same ledger')]);
  });

  it('says which blobs the source lacks', async () => {
    const file = tinyLedger(folder);
    const ran = await cli(['copy', file, 'other.db', '--from-blobs', 'nothing-here', '--json']);
    expect(ran.code).toBe(7);
    const { blobs } = jsonOf(ran);
    expect(blobs.missing).toHaveLength(blobs.named);
  });
});

describe('a server’s ledger', () => {
  it('that is not there is no ledger, for reading and for deriving', async () => {
    const { url } = await serve();
    for (const command of ['log', 'verify', 'derive']) {
      const ran = await cli([command, '--ledger', url]);
      expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining(`There is no ledger at ${url}`)]);
    }
    expect(await cli(['doctor', '--ledger', url, '--json'])).toMatchObject({
      stdout: expect.stringContaining('there is no ledger on it yet'),
    });
  });

  it('may be open in several processes, each with a mirror of its own', async () => {
    const { url } = await serve();
    await json('copy', tinyLedger(folder), url, '-q', '--no-blobs');
    const roots = await Promise.all([1, 2, 3].map(() => json('verify', '--ledger', url)));
    expect(new Set(roots.map(({ root }) => root)).size).toBe(1);
    expect(roots.every(({ ok }) => ok === true)).toBe(true);
    expect(mirrorsIn(folder)[0]).toMatch(/^127\.0\.0\.1-\d+\.mirror(-\d)?\.db$/);
    expect(filesOf(folder).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('is not read from a mirror of what it was before', async () => {
    const server = await serve();
    await json('copy', tinyLedger(folder), server.url, '-q', '--no-blobs');
    await json('verify', '--ledger', server.url);
    const [mirror] = mirrorsIn(folder);
    const port = String(server.port);
    await closeAll();
    const other = await serve();
    const later = the(mirror).replace(port, String(other.port));
    writeFileSync(join(folder, later), readFileSync(join(folder, the(mirror))));
    const ran = await cli(['log', '--ledger', other.url]);
    expect([ran.code, ran.stderr]).toEqual([6, expect.stringContaining('The local mirror is not of the ledger')]);
    expect(ran.stderr).toContain(later);
  });

  it('that is damaged is verified to the event, and read up to it', async () => {
    const server = await serve();
    const { from } = await json('copy', tinyLedger(folder), server.url, '-q', '--no-blobs');
    await server.put('notes', 'LabelGiven', { metadata: Buffer.from('{"tripost":1,"id":"x"}') });
    const last = String(from.size);
    const verified = await cli(['verify', '--ledger', server.url, '--json']);
    expect(verified.code).toBe(6);
    expect(jsonOf(verified)).toMatchObject({
      ok: false,
      events: from.size,
      lastGood: { position: last },
      firstDamaged: { stream: 'notes', revision: 0, check: 'read' },
      storage: { ok: false },
    });
    const ran = await cli(['log', '--ledger', server.url]);
    expect([ran.code, ran.stderr]).toEqual([4, expect.stringContaining('stream notes, revision 0')]);
    expect(await eventsOf(server.url, '--at', last)).toHaveLength(from.size);
    expect((await cli(['derive', '--ledger', server.url, '--policy', 'ft-rationale'])).code).toBe(4);
  });

  it('keeps blobs and mirror where --blob-folder says', async () => {
    const { url } = await serve();
    const file = tinyLedger(folder);
    await json('copy', file, url, '-q', '--to-blobs', 'kept/blobs');
    await json('derive', '--ledger', url, '--policy', 'ft-rationale', '--blob-folder', 'kept/blobs');
    expect(mirrorsIn(folder)).toEqual([expect.stringMatching(/^kept\/127\.0\.0\.1-\d+\.mirror\.db$/)]);
    expect((await json('verify', '--blobs', '--ledger', file)).ok).toBe(true);
  });
});

describe('what goes wrong with a server', () => {
  it('that goes away in the middle of verifying is no damage', async () => {
    const server = await serve();
    await json('copy', tinyLedger(folder), server.url, '-q', '--no-blobs');
    server.faults.by((operation, count) =>
      operation === 'deliver' && count % 100 === 99 ? { kind: 'cut' } : undefined,
    );
    const ran = await cli(['verify', '--ledger', server.url, '--json']);
    expect([ran.code, jsonOf(ran).error?.kind]).toEqual([14, 'Unavailable']);
  });

  it('that does not answer is told, and what of a login is in the address is not', async () => {
    const url = 'kurrentdb://me:hunter2@127.0.0.1:1?tls=false&discoveryInterval=1&maxDiscoverAttempts=1';
    const ran = await cli(['verify', '--ledger', url, '--json']);
    expect(ran.code).toBe(14);
    expect(ran.stderr).toContain('127.0.0.1:1');
    expect(ran.stderr).toContain('Whether the last append is may be unknown');
    const doctor = await cli(['doctor', '--ledger', url]);
    expect(doctor.stdout).toContain('kurrentdb: kurrentdb://***@127.0.0.1:1');
    for (const text of [ran.stderr, ran.stdout, doctor.stdout, doctor.stderr]) expect(text).not.toMatch(/hunter2|me:/);
    for (const name of filesOf(folder)) expect(name).not.toContain('hunter2');
  });

  it('is told of an address that is none, without the login', async () => {
    for (const [name, message] of [
      ['kurrentbd://me:hunter2@h:2113', 'a ledger is a file, or kurrentdb://host:2113?tls=false'],
      ['kurrentdb://me:hunter2@h:2113?lagder=a', 'unknown parameter "lagder"'],
      ['kurrentdb://me:hunter2@h:2113?ledger=a/b', 'expected letters, digits'],
    ] as const) {
      const ran = await cli(['log', '--ledger', name]);
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(message)]);
      expect(ran.stderr).not.toContain('hunter2');
    }
    expect(filesOf(folder)).toEqual([]);
  });

  it('names the package to install where it is not', async () => {
    const hide = join(folder, 'hide.js');
    writeFileSync(
      hide,
      `const M = require('node:module'); const found = M._resolveFilename;
       M._resolveFilename = (name, ...rest) => {
         if (name !== '@kurrent/kurrentdb-client') return found(name, ...rest);
         throw Object.assign(new Error("Cannot find module '" + name + "'"), { code: 'MODULE_NOT_FOUND' });
       };`,
    );
    const ran = await cli(['log', '--ledger', 'kurrentdb://h:2113'], { env: { NODE_OPTIONS: `--require ${hide}` } });
    expect(ran.code).toBe(14);
    expect(ran.stderr).toContain('npm install @kurrent/kurrentdb-client@');
  });
});
