import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { jsonOf, runCli, tinyLedger, tinyReport, type Ran } from '../support/cliBuild';
import { the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

const inside = (folder: string) => (name: string) => join(folder, name);

/** Writes a pair of keys, and gives the files' names. */
const newKeys = (folder: string, name: string): { readonly secret: string; readonly open: string } => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const [secret, open] = [join(folder, `${name}.pem`), join(folder, `${name}.pub`)];
  writeFileSync(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(open, publicKey.export({ type: 'spki', format: 'pem' }));
  return { secret, open };
};

const on =
  (ledger: string) =>
  (...args: readonly string[]): Promise<Ran> =>
    runCli([...args, '--ledger', ledger]);

interface Logged {
  readonly id: string;
  readonly type: string;
}
const logged = (ran: Ran): readonly Logged[] =>
  ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Logged => JSON.parse(line));

/** The stand-alone checker of docs/proofs.md. */
const checker = (folder: string): ((proof: string) => { readonly code: number | null; readonly out: string }) => {
  const text = readFileSync(join(__dirname, '..', '..', 'docs', 'proofs.md'), 'utf8');
  const file = join(folder, 'check.js');
  writeFileSync(file, the(/```js\n([\s\S]*?)```/.exec(text)?.[1]));
  return (proof) => {
    const { status, stdout } = spawnSync(process.execPath, [file, proof], { encoding: 'utf8' });
    return { code: status, out: stdout };
  };
};

describe('seal, prove and check-proof', () => {
  const folder = newFolder();
  const at = inside(folder);
  const ledger = tinyLedger(folder);
  const run = on(ledger);
  const keys = newKeys(folder, 'key');
  const other = newKeys(folder, 'other');
  let event: Logged;

  beforeAll(async () => {
    event = the(logged(await run('log', '--json', '--type', 'AttemptMade', '--limit', '1'))[0]);
  });

  it('seals once, then only where something is new or the key is another', async () => {
    const { root, events } = tinyReport();
    const known = jsonOf(await run('seal', '--json'));
    expect(known).toMatchObject({ root, size: events, written: false, signature: null });
    const signed = jsonOf(await run('seal', '--key', keys.secret, '--out', at('seal.json'), '--json'));
    expect(signed).toMatchObject({ size: events + 1, written: true });
    expect(signed.signature).toMatch(/^ed25519:[0-9a-f]{16}:[A-Za-z0-9+/]{86}==$/);
    const { size, signature } = signed;
    expect(JSON.parse(readFileSync(at('seal.json'), 'utf8'))).toEqual({
      format: 'tripost-seal-1',
      size,
      root: signed.root,
      signature,
    });
    expect(jsonOf(await run('seal', '--key', keys.secret, '--json'))).toEqual({ ...signed, written: false });
    expect((await run('verify')).code).toBe(0);
  });

  it('proves an event to somebody who has the seal, or the public key, and no ledger', async () => {
    const proof = at('proof.json');
    const made = await run('prove', event.id.slice(0, 12), '--out', proof);
    expect([made.code, made.stdout, made.stderr]).toEqual([0, '', `Written: ${proof}\n`]);
    const args = ['check-proof', proof, '--seal-file', at('seal.json'), '--public-key', keys.open];
    const checked = await runCli(args, { cwd: newFolder() });
    expect([checked.code, checked.stderr]).toEqual([0, '']);
    expect(checked.stdout).toContain(`holds: event ${event.id} is number`);
    const bare = await runCli(['check-proof', proof]);
    expect([bare.code, bare.stderr]).toEqual([0, expect.stringContaining('A proof cannot vouch for its own root.')]);
    expect(readFileSync(proof, 'utf8').length).toBeLessThan(6000);
  });

  it('does not hold against another root, another key, or with a byte changed', async () => {
    const proof = at('proof.json');
    const { root, events } = tinyReport();
    const against = async (...args: readonly string[]) => {
      const ran = await runCli(['check-proof', ...args, '--json']);
      return [ran.code, jsonOf(ran).flaws.map(({ check }: { readonly check: string }) => check)];
    };
    expect(await against(proof, '--root', `${events}:${root}`)).toEqual([6, ['root']]);
    expect(await against(proof, '--public-key', other.open)).toEqual([6, ['signature']]);
    const text = readFileSync(proof, 'utf8');
    writeFileSync(at('forged.json'), text.replace('AttemptMade', 'AttemptMode'));
    expect(await against(at('forged.json'))).toEqual([6, ['leaf', 'root']]);
    const ran = await runCli(['check-proof', at('forged.json')]);
    expect([ran.code, ran.stdout]).toEqual([6, expect.stringMatching(/^does NOT hold\n {2}check: {4}leaf\n/)]);
    writeFileSync(at('forged.json'), '{"format":"other"}');
    expect((await runCli(['check-proof', at('forged.json')])).code).toBe(2);
  });

  it('is checked by the program of docs/proofs.md, which knows nothing of tripost', async () => {
    const check = checker(folder);
    expect(check(at('proof.json'))).toEqual({ code: 0, out: expect.stringContaining('holds: event') });
    const { root, events } = tinyReport();
    for (const since of [root, `${events}:${root}`]) {
      const made = await run('prove', '--since', since);
      writeFileSync(at('since.json'), made.stdout);
      expect(jsonOf(made)).toMatchObject({ from: { size: events, root }, to: { size: events + 1 } });
      expect(check(at('since.json'))).toEqual({
        code: 0,
        out: expect.stringContaining(`holds: the first ${events} of`),
      });
      expect((await runCli(['check-proof', at('since.json'), '--seal-file', at('seal.json')])).code).toBe(0);
    }
    for (const [name, from, to] of [
      ['proof.json', 'AttemptMade', 'AttemptMode'],
      ['since.json', root, '0'.repeat(64)],
    ] as const) {
      writeFileSync(at('forged.json'), readFileSync(at(name), 'utf8').replace(from, to));
      expect(check(at('forged.json'))).toEqual({ code: 1, out: expect.stringContaining('does NOT hold') });
    }
  });

  it('verify --since says that nothing under an older root was changed', async () => {
    const { root, events } = tinyReport();
    const ran = await run('verify', '--since', root);
    expect([ran.code, ran.stdout]).toEqual([
      0,
      expect.stringContaining(`the first ${events} events are the ones under it`),
    ]);
    const asked = jsonOf(await run('verify', '--since', `${events}:${root}`, '--json'));
    expect(asked).toMatchObject({ ok: true, since: { size: events, root } });
    const never = await run('verify', '--since', `7:${root}`);
    expect([never.code, never.stdout]).toEqual([6, expect.stringContaining('as published')]);
    const refused = await run('verify', '--since', 'f'.repeat(64));
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('give <size>:<root>')]);
    expect((await run('verify', '--since', root.slice(0, 20))).code).toBe(2);
  });

  it('verify --public-key counts signatures, and refuses a ledger that the key never signed', async () => {
    const signed = jsonOf(await run('verify', '--public-key', keys.open, '--published', at('seal.json'), '--json'));
    expect(signed).toMatchObject({ ok: true, signatures: { ok: true, good: 1, unsigned: 1, otherKey: 0, bad: [] } });
    const ran = await run('verify', '--public-key', other.open);
    expect([ran.code, ran.stdout]).toEqual([6, expect.stringContaining('NOT signed by key')]);
    const published = await run('verify', '--public-key', other.open, '--published', at('seal.json'));
    expect([published.code, published.stderr]).toEqual([6, expect.stringContaining('expected good, got other key')]);
  });

  it('says what it needs', async () => {
    for (const [args, message] of [
      [['prove'], 'name an event, or an older root with --since'],
      [['prove', event.id, '--seal', '4'], 'There is no seal "4"'],
      [['prove', `${event.id.slice(0, 20)}zz`], `there are ${event.id}`],
      [['prove', '--since', '3'], '--since: expected <size>:<root>'],
      [['check-proof', 'nowhere.json'], 'Cannot read nowhere.json'],
    ] as const) {
      const ran = args[0] === 'check-proof' ? await runCli(args) : await run(...args);
      expect([args, ran.code, ran.stdout]).toEqual([args, 2, '']);
      expect(ran.stderr).toContain(message);
    }
    const seal = the(logged(await run('log', '--json', '--type', 'LedgerSealed'))[1]);
    const early = await run('prove', seal.id);
    expect([early.code, early.stderr]).toEqual([2, expect.stringContaining('`tripost seal')]);
  });

  it('takes no key but an Ed25519 one of the right kind, in one message', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(at('rsa.pem'), rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const cipher = { cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(at('locked.pem'), privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }));
    writeFileSync(at('broken.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    for (const [args, got] of [
      [['seal', '--key', at('rsa.pem')], 'a key of type rsa'],
      [['seal', '--key', at('locked.pem')], 'an encrypted private key'],
      [['seal', '--key', at('broken.pem')], 'a PEM file with PRIVATE KEY'],
      [['seal', '--key', at('seal.json')], 'a file that is no PEM'],
      [['seal', '--key', keys.open], 'a PEM file with PUBLIC KEY'],
      [['verify', '--public-key', keys.secret], 'a PEM file with PRIVATE KEY'],
    ] as const) {
      const ran = await run(...args);
      expect([args, ran.code, ran.stdout]).toEqual([args, 2, '']);
      expect(ran.stderr).toMatch(
        /^tripost \w+: Cannot use the key in \S+: expected an .*Ed25519 (private|public) key in PEM, /,
      );
      expect(ran.stderr).toContain(`got ${got}.`);
    }
    expect((await run('seal', '--key', 'nowhere.pem')).code).toBe(2);
  });

  it('is checked by OpenSSL, where there is one', () => {
    const found = spawnSync('openssl', ['version'], { encoding: 'utf8' });
    if (found.error !== undefined || !found.stdout.startsWith('OpenSSL 3')) return;
    const text = readFileSync(join(__dirname, '..', '..', 'docs', 'proofs.md'), 'utf8');
    const script = the(/```sh\n([\s\S]*?)```/.exec(text)?.[1]);
    expect(execFileSync('bash', ['-ec', script], { cwd: folder, encoding: 'utf8' })).toContain('Verified Successfully');
  });
});

describe('a rewritten ledger', () => {
  it('that is whole in itself is found out by a root that was kept', async () => {
    const folder = newFolder();
    const ledger = tinyLedger(folder);
    const run = on(ledger);
    const { root, events } = tinyReport();
    const [first] = logged(await run('log', '--json', '--limit', '1'));
    const before = await run('prove', the(first).id, '--seal', String(events));
    expect(before.code).toBe(0);
    rmSync(`${ledger}.sha256`);
    const database = new Libsql(ledger);
    const forged = `UPDATE events SET leaf = '${'0'.repeat(64)}' WHERE position = 1`;
    database.exec(`DROP TRIGGER events_no_update; ${forged}`);
    database.close();
    expect((await run('verify', '--since', root)).code).toBe(6);
    const later = the(logged(await run('log', '--json', '--after', '4', '--limit', '1'))[0]);
    const ran = await run('prove', later.id);
    expect([ran.code, ran.stderr]).toEqual([6, expect.stringContaining('do not have the root that was asked about')]);
  });
});
