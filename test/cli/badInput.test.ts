import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Libsql from 'libsql';
import { Args } from '../../src/cli/args';
import { explain } from '../../src/cli/explain';
import { Stop } from '../../src/cli/faults';
import { loadRun } from '../../src/cli/runConfig';
import {
  jsonOf,
  runCli,
  tinyConfig,
  tinyIteration,
  tinyLedger,
  tinyReport,
  tinyRun,
  type Ran,
} from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

/** A config made of the tiny one by a replacement, with its policy beside it. */
const configWith = (from: string | RegExp, to: string): string => {
  const folder = newFolder();
  cpSync(join(dirname(tinyConfig), 'tiny-policy.yaml'), join(folder, 'tiny-policy.yaml'));
  const text = readFileSync(tinyConfig, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`tiny.yaml has no ${String(from)}`);
  writeFileSync(join(folder, 'run.yaml'), changed);
  return join(folder, 'run.yaml');
};

const untouched = async (args: readonly string[]): Promise<Ran> => {
  const ledger = join(newFolder(), 'ledger.db');
  const ran = await runCli([...args, '--ledger', ledger]);
  expect(existsSync(ledger)).toBe(false);
  expect(ran.stdout).toBe('');
  return ran;
};

describe('a config', () => {
  it('with an unknown key: file, line, column, and the key that was meant', async () => {
    const { code, stderr } = await untouched(['run', configWith('iterations: 2', 'iteratons: 2')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/run\.yaml:\d+:1 iteratons: unknown key "iteratons"\. Did you mean "iterations"\?/);
  });

  it('with several mistakes: all of them, in line order', async () => {
    const { code, stderr } = await untouched(['run', configWith(/hiddenSize: 32/, 'hidenSize: 32')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/hidenSize: unknown key "hidenSize"\. Did you mean "hiddenSize"\?/);
    expect(stderr).toMatch(/hiddenSize: missing; expected a whole number from 1/);
  });

  it('that is no YAML, or not there', async () => {
    expect((await untouched(['run', configWith('seed: 1', 'seed: [1')])).stderr).toContain('not YAML');
    const { code, stderr } = await untouched(['run', 'nowhere.yaml']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Cannot read nowhere.yaml')]);
  });

  /** What loading the tiny config says with these options, without a process. */
  const complaint = (options: Readonly<Record<string, unknown>>): string => {
    try {
      loadRun(tinyConfig, new Args([], options), ['seed', 'iterations', 'policy']);
      return 'nothing';
    } catch (failure) {
      if (!(failure instanceof Stop)) throw failure;
      const { exit, message } = explain(failure.fault, {
        command: 'run',
        ledger: undefined,
        signal: undefined,
        memory: 4e9,
      });
      return `${exit}: ${message}`;
    }
  };

  it.each([
    [{ set: ['train.stps=3'] }, '--set train.stps: train.stps: unknown key "stps". Did you mean "steps"?'],
    [{ set: ['train.steps=many'] }, '--set train.steps: train.steps: expected a whole number from 1'],
    [
      { set: ['train.lora={targets: []}'] },
      '--set train.lora: train.lora.targets: expected one target at least, for example q_proj',
    ],
    [{ set: ['seed.x=1'] }, '--set seed.x: the config has no mapping'],
    [{ set: ['novalue'] }, '--set: expected key=value, got "novalue"'],
    [{ set: ['task.config=[1'] }, '--set task.config: the value is not YAML'],
    [{ policy: 'tripots' }, 'There is no policy "tripots". Did you mean "tripost"?'],
    [{ policy: './none.yaml' }, 'none.yaml'],
    [{ iterations: 'two' }, '--iterations: iterations: expected a whole number from 0'],
    [{ set: ['task.name=word-sort'] }, 'There is no task "word-sort". Did you mean "word-sorting"?'],
    [{ set: ['base.trained=nowhere'] }, 'there is no such folder'],
  ])('with %j', (options, message) => {
    expect(complaint(options)).toMatch(/^usage: /);
    expect(complaint(options)).toContain(message);
  });

  it("with another task's difficulty", async () => {
    const args = ['run', tinyConfig, '-S', 'task.name=date-understanding', '--ledger', join(newFolder(), 'l.db')];
    const ran = await runCli(args);
    expect([ran.code, ran.stderr]).toEqual([
      2,
      expect.stringContaining('the configuration has no field "alphabet"; its fields are years, seen, unseen'),
    ]);
  });

  it('whose problems run out', async () => {
    const ran = await runCli(['run', tinyConfig, '-S', 'task.train=500', '--ledger', join(newFolder(), 'l.db')]);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('No problems can be posed for word-sorting')]);
  });
});

describe('a policy file with a mistake', () => {
  it('is named with line and column', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'mine.yaml'), 'policy: 1\nname: mine\nbalance: { ratoi: 2 }\n');
    const { code, stderr } = await runCli(['derive', '--policy', join(folder, 'mine.yaml')], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/mine\.yaml:3:12 balance\.ratoi: unknown key "ratoi"\. Did you mean "ratio"\?/);
  });
});

describe('a ledger', () => {
  it('that is not there, no SQLite file, or of another program', async () => {
    const folder = newFolder();
    const missing = await runCli(['log'], { cwd: folder });
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('There is no ledger at')]);
    writeFileSync(join(folder, 'text.db'), 'hello, this is no database, however long it may be\n'.repeat(30));
    const other = new Libsql(join(folder, 'other.db'));
    other.exec('CREATE TABLE songs (name TEXT)');
    other.close();
    for (const name of ['text.db', 'other.db']) {
      const before = readFileSync(join(folder, name));
      for (const args of [['verify', '--json'], ['run', tinyConfig], ['derive']]) {
        const { code, stderr } = await runCli([...args, '--ledger', join(folder, name)]);
        expect([name, args[0], code, stderr]).toEqual([
          name,
          args[0],
          3,
          expect.stringContaining('Not a tripost ledger'),
        ]);
      }
      expect(readFileSync(join(folder, name)).equals(before)).toBe(true);
    }
  });

  it('cut off: verify says so, and nothing writes to it', async () => {
    const ledger = tinyLedger(newFolder());
    truncateSync(ledger, Math.floor(statSync(ledger).size / 2 / 8192) * 8192);
    const ran = await runCli(['verify', '--ledger', ledger, '--json']);
    expect([4, 6]).toContain(ran.code);
    expect(jsonOf(ran)).toMatchObject({ ok: false, root: null });
    const again = await runCli(['run', tinyConfig, '--ledger', ledger]);
    expect(again.code).toBe(4);
    expect(again.stderr).toContain('damaged');
  });

  it('with one byte changed: verify names the first damaged event, or says what SQLite found', async () => {
    const folder = newFolder();
    const clean = tinyLedger(folder);
    const size = statSync(clean).size;
    for (const share of [0.11, 0.37, 0.62, 0.9]) {
      const ledger = join(newFolder(), 'ledger.db');
      cpSync(clean, ledger);
      cpSync(`${clean}.sha256`, `${ledger}.sha256`);
      const file = openSync(ledger, 'r+');
      writeSync(file, Buffer.from([0x7f]), 0, 1, Math.floor(size * share));
      closeSync(file);
      if (readFileSync(ledger).equals(readFileSync(clean))) continue;
      const ran = await runCli(['verify', '--ledger', ledger, '--json']);
      expect([4, 6]).toContain(ran.code);
      expect(jsonOf(ran).ok).toBe(false);
    }
  });

  it('edited, or with an event gone: the first damaged event is named', async () => {
    const edit = async (sql: string): Promise<Ran> => {
      const ledger = tinyLedger(newFolder());
      rmSync(`${ledger}.sha256`);
      const database = new Libsql(ledger);
      database.exec(`DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete; ${sql}`);
      database.close();
      return runCli(['verify', '--ledger', ledger, '--json']);
    };
    const edited = await edit(
      `UPDATE events SET data = replace(data, '"split":"train"', '"split":"test"') WHERE position = 4`,
    );
    expect([edited.code, jsonOf(edited)]).toEqual([
      6,
      expect.objectContaining({ ok: false, firstDamaged: expect.objectContaining({ position: '4', check: 'leaf' }) }),
    ]);
    const gone = await edit('DELETE FROM events WHERE position = 7');
    expect([gone.code, jsonOf(gone)]).toEqual([
      6,
      expect.objectContaining({ firstDamaged: expect.objectContaining({ position: '7' }) }),
    ]);
  });
});

describe('ids', () => {
  it('that are unknown, too short or ambiguous', async () => {
    const ledger = tinyLedger(newFolder());
    for (const [args, message] of [
      [['trace', 'ffffffffff'], 'There is no id "ffffffffff" on this ledger'],
      [['why', 'abc'], 'There is no id "abc"'],
      [['trace', 'latest#99999'], 'There is no row "latest#99999"'],
      [['derive', '--run', 'nonesuch'], 'There is no run "nonesuch"'],
      [['train', '--dataset', 'ffffff', '--base', 'latest'], 'There is no dataset "ffffff"'],
      [['train', '--base', 'latest'], 'option --dataset is needed'],
      [['train', '--dataset', 'latest', '--base', 'latest', '-S', 'step=4'], 'Did you mean "steps"?'],
      [
        ['train', '--dataset', 'latest', '--base', 'latest', '-S', 'lora={rank: 8, alpha: 16, targets: []}'],
        'expected one target at least, for example q_proj',
      ],
      [['evaluate', '--checkpoint', 'ffffff'], 'There is no checkpoint "ffffff"'],
      [['log', '--type', 'RunStartd'], 'Did you mean "RunStarted"?'],
      [['verify', '--at', '0'], '--at: expected a position from 1'],
    ] as const) {
      const { code, stderr } = await runCli([...args, '--ledger', ledger]);
      expect([args, code, stderr]).toEqual([args, 2, expect.stringContaining(message)]);
    }
  });
});

describe('a checkpoint whose digest does not match', () => {
  const weights = (): string => tinyIteration(2).weights;

  it('is not used, by name of the file; verify --blobs finds it', async () => {
    const ledger = tinyLedger(newFolder());
    const digest = weights();
    const file = join(`${ledger}.blobs`, digest.slice(0, 2), digest);
    rmSync(file);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'other bytes');
    for (const args of [
      ['export-student', 'latest', join(newFolder(), 'x')],
      ['evaluate', '--checkpoint', 'latest'],
    ]) {
      const { code, stderr } = await runCli([...args, '--ledger', ledger]);
      expect(code).toBe(7);
      expect(stderr).toContain(`expected SHA-256 ${digest}`);
      expect(stderr).toContain(file);
    }
    const verified = await runCli(['verify', '--blobs', '--ledger', ledger, '--json', '-q']);
    expect([verified.code, jsonOf(verified)]).toEqual([
      7,
      expect.objectContaining({ ok: false, blobs: expect.objectContaining({ damaged: [digest], missing: [] }) }),
    ]);
    rmSync(file);
    const missing = await runCli(['evaluate', '--checkpoint', 'latest', '--ledger', ledger]);
    expect([missing.code, missing.stderr]).toEqual([7, expect.stringContaining('A blob is missing')]);
  });

  it('in a folder with a receipt of another training is not imported', async () => {
    const base = join(tinyRun(), 'out', 'base');
    const args = [
      'run',
      tinyConfig,
      '-S',
      `base.trained=${base}`,
      '-S',
      'base.seed=2',
      '--ledger',
      join(newFolder(), 'l.db'),
      '-q',
    ];
    const { code, stderr } = await runCli(args);
    expect([code, stderr]).toEqual([
      6,
      expect.stringContaining('The receipt of the trained student is of another training'),
    ]);
  });

  it('in a broken model folder is named with its file', async () => {
    const student = join(newFolder(), 'student');
    cpSync(join(tinyRun(), 'out', 'base'), student, { recursive: true });
    rmSync(join(student, 'receipt.jsonl'));
    writeFileSync(join(student, 'config.json'), '{"model_type": "gpt2", "architectures": ["GPT2"]}');
    const { code, stderr } = await runCli([
      'import',
      '--format',
      'checkpoint',
      student,
      '--ledger',
      join(newFolder(), 'l.db'),
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('config.json, model_type')]);
  });
});

describe('a run', () => {
  it('whose loss is not finite ends with a message of its own, the ledger whole', async () => {
    const ledger = join(newFolder(), 'nan.db');
    const { code, stderr } = await runCli([
      'run',
      tinyConfig,
      '--ledger',
      ledger,
      '-q',
      '-S',
      'base.train.learningRate=1e30',
    ]);
    expect([code, stderr]).toEqual([
      9,
      expect.stringMatching(/The loss is not finite at step \d+\.\n {2}loss .*, gradient norm .*, learning rate/),
    ]);
    expect((await runCli(['verify', '--ledger', ledger])).code).toBe(0);
    // The run it was meant to be goes on on the same ledger.
    const good = await runCli(['run', tinyConfig, '--ledger', ledger, '-q', '--json']);
    expect(jsonOf(good).iterations).toEqual(tinyReport().iterations);
  });

  it('whose policy keeps nothing says which rule dropped how many', async () => {
    const folder = newFolder();
    const none = join(folder, 'none.yaml');
    writeFileSync(none, 'policy: 1\nname: none\nselect: { sources: [trajectories] }\nadmit: { maxWords: 1 }\n');
    const { code, stderr } = await runCli([
      'run',
      tinyConfig,
      '--policy',
      none,
      '--ledger',
      join(folder, 'l.db'),
      '-q',
    ]);
    expect([code, stderr]).toEqual([
      8,
      expect.stringMatching(/The policy none keeps nothing in iteration 1.*\n {2}candidates by rule: /),
    ]);
  });

  it('that trains on an empty dataset is refused', async () => {
    const ledger = tinyLedger(newFolder());
    await runCli(['derive', '--policy', 'si-demo', '--run', 'latest', '--ledger', ledger]);
    const { code, stderr } = await runCli([
      'train',
      '--dataset',
      'latest',
      '--base',
      'latest',
      '--ledger',
      ledger,
      '-q',
    ]);
    expect([code, stderr]).toEqual([8, expect.stringContaining('has no rows')]);
  });
});

describe('a full disk', () => {
  const mounted: string[] = [];
  afterAll(() => {
    for (const folder of mounted) execFileSync('umount', [folder]);
  });

  /** A file system of its own that is too small; undefined where this user may not mount one. */
  const smallDisk = (kilobytes: number): string | undefined => {
    const folder = newFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder], { stdio: 'pipe' });
    } catch {
      return undefined;
    }
    mounted.push(folder);
    return folder;
  };

  it('ends with one message, the ledger whole, and the next run goes on', async () => {
    const folder = smallDisk(500);
    if (folder === undefined) return console.warn('skipped: mounting a small tmpfs needs root');
    const ledger = join(folder, 'ledger.db');
    const { code, stderr } = await runCli(['run', tinyConfig, '--ledger', ledger, '-q']);
    expect([code, stderr]).toEqual([10, expect.stringContaining('No space left')]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.lock') || name.endsWith('.tmp'))).toEqual([]);
    expect((await runCli(['verify', '--ledger', ledger])).code).toBe(0);
    execFileSync('mount', ['-o', 'remount,size=64m', folder]);
    const { runId, root, iterations } = tinyReport();
    expect(jsonOf(await runCli(['run', tinyConfig, '--ledger', ledger, '-q', '--json']))).toMatchObject({
      runId,
      root,
      iterations,
    });
  });
});
