import { CommanderError } from 'commander';
import { entries } from '../../src/cli/commands';
import { variableOf } from '../../src/cli/program';
import { runCli } from '../support/cliBuild';
import { expectGolden } from '../support/golden';
import { ask, wordsOf } from './ask';

describe('help', () => {
  it('of the whole command line', async () => {
    const { out, err } = await ask(['--help']);
    expect(err).toBe('');
    expectGolden('cli/help/tripost.txt', out);
  });

  it.each(entries.map(({ name }) => name))('of %s', async (name) => {
    const { out, err } = await ask([name, '--help']);
    expect(err).toBe('');
    expectGolden(`cli/help/${name}.txt`, out);
  });

  it('starts without a runtime or a database, as a process', async () => {
    const ran = await runCli(['--help'], { env: { NODE_DEBUG: 'module' } });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('Usage: tripost');
    expect(ran.stderr).toMatch(/commander/);
    expect(ran.stderr).not.toMatch(/onnxruntime|libsql/);
  });

  it('is what no arguments print', async () => {
    const ran = await runCli([]);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain('Commands:');
  });
});

describe.each(entries)('command $name', (entry) => {
  const command = entry.load();

  it('is what the list says', () => {
    expect({ name: command.name, summary: command.summary }).toEqual({ name: entry.name, summary: entry.summary });
  });

  it('has examples that are understood', async () => {
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      const found = await ask(wordsOf(example));
      expect([example, found.asked?.command.name, found.err]).toEqual([example, command.name, '']);
    }
  });

  it('says what --json prints', () => {
    expect(command.flags.some((flag) => flag.flags === '--json')).toBe(command.json !== 'none');
    expect(command.details).toMatch(/JSON|\{verdict/);
  });
});

describe('usage errors', () => {
  it.each([
    [['rnu'], "unknown command 'rnu'\n(Did you mean run?)"],
    [['verify', '--ledgr', 'x'], "unknown option '--ledgr'\n(Did you mean --ledger?)"],
    [['run'], "missing required argument 'config'"],
    [['run', 'a.yaml', '--device', 'gpu'], 'Allowed choices are cpu, cuda, auto.'],
    [['log', 'too', 'many'], 'too many arguments'],
    [['run', 'a.yaml', '--seed'], "option '--seed <n>' argument missing"],
  ])('%j', async (argv, message) => {
    const { err, failure } = await ask(argv);
    expect(err).toContain(message);
    expect(failure).toBeInstanceOf(CommanderError);
  });

  it('end with exit code 2', async () => {
    const ran = await runCli(['verify', '--ledgr', 'x']);
    expect([ran.code, ran.stdout]).toEqual([2, '']);
  });
});

describe('environment variables', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  it('are named after the options', () => {
    expect(variableOf({ flags: '-S, --set <key=value>', description: '' })).toBe('TRIPOST_SET');
    expect(variableOf({ flags: '--no-progress', description: '' })).toBe('TRIPOST_NO_PROGRESS');
    expect(variableOf({ flags: '--max-tokens <n>', description: '' })).toBe('TRIPOST_MAX_TOKENS');
  });

  it('stand in for options, which go before them', async () => {
    process.env['TRIPOST_LEDGER'] = 'from-env.db';
    process.env['TRIPOST_JSON'] = '1';
    const { asked } = await ask(['verify'], process.env);
    expect([asked?.args.text('ledger'), asked?.args.has('json')]).toEqual(['from-env.db', true]);
    const given = await ask(['verify', '--ledger', 'given.db'], process.env);
    expect(given.asked?.args.text('ledger')).toBe('given.db');
  });

  it('may say no, and may hold a list', async () => {
    process.env['TRIPOST_JSON'] = '0';
    process.env['TRIPOST_NO_PROGRESS'] = '';
    process.env['TRIPOST_SET'] = 'train.steps=4;collect.passes=2';
    const { asked } = await ask(['run', 'a.yaml'], process.env);
    expect([asked?.args.has('json'), asked?.args.allows('progress')]).toEqual([false, true]);
    expect(asked?.args.list('set')).toEqual(['train.steps=4', 'collect.passes=2']);
    const given = await ask(['run', 'a.yaml', '-S', 'a=1;2', '-S', 'b=3'], process.env);
    expect(given.asked?.args.list('set')).toEqual(['a=1;2', 'b=3']);
  });
});
