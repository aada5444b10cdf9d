import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entries } from '../../src/cli/commands';
import { exitCodes } from '../../src/cli/exitCodes';
import { jsonOf, runCli, type Ran } from '../support/cliBuild';

interface Doctor {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly detail: string;
    readonly fix: string | null;
  }[];
  readonly cuda: {
    readonly supported: boolean;
    readonly reasons: readonly string[];
    readonly fix: string | null;
    readonly libraries: readonly { readonly name: string; readonly state: string }[];
    readonly graphs: { readonly training: number; readonly decoding: number; readonly onCpu: readonly object[] };
  };
}

const here = mkdtempSync(join(tmpdir(), 'tripost-doctor-'));
let asked: Ran;
let doctor: Doctor;
/** Whether this very machine has CUDA; each test below says what is so with and without it. */
let there: boolean;

beforeAll(async () => {
  asked = await runCli(['doctor', '--json'], { cwd: here });
  doctor = jsonOf(asked);
  there = doctor.cuda.reasons.length === 0;
});

afterAll(() => rmSync(here, { recursive: true, force: true }));

/** A command that settles its device before it looks for the ledger, which is not there. */
const onDevice = (device: string, ...more: readonly string[]) =>
  runCli(['evaluate', '--checkpoint', 'latest', '--problems', 'none', '--device', device, ...more], { cwd: here });

describe('doctor, as a process', () => {
  it('ends well, and writes nothing to stderr: what a provider says while it does not load is not for the reader', () => {
    expect([asked.code, asked.stderr, doctor.ok]).toEqual([0, '', true]);
  });

  it('tells the same of CUDA in its rows and in its JSON', () => {
    const row = doctor.checks.find(({ name }) => name === 'provider cuda');
    const { reasons, fix } = doctor.cuda;
    expect(row?.status).toBe(there ? 'ok' : 'note');
    expect(row?.detail).toContain(there ? 'it computes' : reasons.join('; '));
    expect(row?.fix ?? '').toContain(there ? '' : (fix ?? ''));
    expect(doctor.cuda.libraries.length > 0).toBe(doctor.cuda.supported);
  });

  it('says in one row where the graphs would run', () => {
    const { training, decoding, onCpu } = doctor.cuda.graphs;
    expect(onCpu).toEqual([]);
    const row = doctor.checks.find(({ name }) => name === 'cuda graphs');
    expect(row?.detail).toContain(`all ${training} nodes of training and ${decoding} of decoding`);
  });

  it('leaves nothing behind', () => expect(readdirSync(here)).toEqual([]));
});

describe('--device, as a process', () => {
  it('cuda computes there, or ends with what is missing, the one command, and the code of its family', async () => {
    const { code, stdout, stderr } = await onDevice('cuda');
    const { reasons, fix } = doctor.cuda;
    const missing = [
      'tripost evaluate: CUDA does not compute on this machine:\n',
      ...reasons.map((reason) => `  ${reason}\n`),
      ...(fix === null ? [] : [`Install what is missing: ${fix}`]),
    ];
    expect([code, stdout]).toEqual([there ? exitCodes.noLedger.code : exitCodes.runtime.code, '']);
    expect((there ? ['There is no ledger'] : missing).filter((line) => !stderr.includes(line))).toEqual([]);
  });

  it('cuda that is missing is one JSON object with --json', async () => {
    const ran = await onDevice('cuda', '--json');
    expect(jsonOf(ran)).toMatchObject({
      ok: false,
      error: there ? { kind: 'NoLedger', exit: 3 } : { kind: 'CudaUnavailable', exit: 11 },
    });
  });

  it.each([[[]], [['--quiet']]])('auto goes on, and says on stderr on which device and why %j', async (more) => {
    const { code, stderr } = await onDevice('auto', ...more);
    expect(code).toBe(exitCodes.noLedger.code);
    const lines = stderr.split('\n');
    const cpu = `device: cpu (CUDA does not compute here: ${doctor.cuda.reasons.join('; ')}; `;
    expect(lines[0]?.startsWith(there ? 'device: cuda (' : cpu)).toBe(true);
    expect(lines[1]).toMatch(/^tripost evaluate: There is no ledger/);
  });

  it('cpu says nothing of devices', async () => {
    const { code, stderr } = await onDevice('cpu');
    expect([code, stderr]).toEqual([exitCodes.noLedger.code, expect.not.stringMatching(/device|CUDA/)]);
  });

  it('another word is wrong usage', async () => {
    expect((await onDevice('tpu')).code).toBe(exitCodes.usage.code);
  });

  const offering = entries.filter((entry) => entry.load().flags.some(({ flags }) => flags.startsWith('--device')));

  it('is offered by the commands that compute', () => {
    expect(offering.map(({ name }) => name)).toEqual([
      'demo',
      'run',
      'collect',
      'train',
      'baseline',
      'evaluate',
      'ablate',
      'reproduce',
    ]);
  });

  it.each(offering.map(({ name }) => name))('%s offers auto, and settles the device before it begins', (name) => {
    const command = offering.find((entry) => entry.name === name)?.load();
    const flag = command?.flags.find(({ flags }) => flags.startsWith('--device'));
    expect([flag?.choices, flag?.fallback]).toEqual([['cpu', 'cuda', 'auto'], 'cpu']);
    const text = readFileSync(join(__dirname, '..', '..', 'src', 'cli', 'commands', `${name}.ts`), 'utf8');
    // The demo is made of `run`.
    expect(text).toContain(name === 'demo' ? 'await run.run(args.with(' : 'run: onDevice(async (args, context)');
  });
});
