import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFileBlobStore } from '../../src/adapters/files/blobStore';
import {
  jsonOf,
  runCli,
  tinyConfig,
  tinyIteration,
  tinyLedger,
  tinyReport,
  tinyRun,
  type Iteration,
  type Ran,
} from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);

let folder: string;
let ledger: string;
beforeAll(() => {
  folder = newFolder();
  ledger = tinyLedger(folder);
});
afterAll(removeFolders);

const run = (...args: readonly string[]): Promise<Ran> => runCli([...args, '--ledger', ledger]);
const json = async (...args: readonly string[]) => {
  const ran = await run(...args, '--json');
  if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stderr}`);
  return jsonOf(ran);
};

interface Logged {
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly data: Readonly<Record<string, unknown>>;
}
const logged = async (...args: readonly string[]): Promise<readonly Logged[]> => {
  const { stdout } = await run('log', '--json', ...args);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Logged => JSON.parse(line));
};

type Detail = Readonly<Record<string, unknown>>;
interface Why {
  readonly answers: readonly { readonly answer: { readonly children: readonly { readonly detail: Detail }[] } }[];
}

const hex64 = expect.stringMatching(/^[0-9a-f]{64}$/);

describe('run', () => {
  it('reports every iteration with scores and digests', () => {
    expect(tinyReport()).toMatchObject({
      runId: expect.stringMatching(/^[0-9a-f]{16}$/),
      root: hex64,
      events: expect.any(Number),
      reused: { calls: 0, steps: 0 },
    });
    expect(tinyReport().iterations.map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
    for (const { checkpoint, weights, scores } of tinyReport().iterations) {
      expect([checkpoint, weights]).toEqual([hex64, hex64]);
      expect(scores['items.total']).toBe(10);
    }
    expect(tinyReport().iterations.map(({ dataset }) => dataset)).toEqual([null, hex64, hex64]);
  });

  it('writes each checkpoint as a folder with its receipt', () => {
    for (const name of ['base', 'iteration-1', 'iteration-2']) {
      const files = readdirSync(join(tinyRun(), 'out', name));
      expect(files).toEqual(
        expect.arrayContaining(['config.json', 'model.safetensors', 'receipt.jsonl', 'tokenizer.json']),
      );
    }
  });

  it('run again makes nothing again, and ends in the same digests, as a table', async () => {
    const ran = await run('run', tinyConfig, '-q');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain(`root   ${tinyReport().root}`);
    expect(ran.stdout).toMatch(/reused 32 calls and \d+ training steps from the ledger/);
    for (const { checkpoint, weights } of tinyReport().iterations) {
      expect(ran.stdout).toContain(checkpoint.slice(0, 12));
      expect(ran.stdout).toContain(weights);
    }
    expect(ran.stdout).toMatch(
      /iteration .* seen .* unseen .* total .* directly correct .* SI frequency .* SI contribution/,
    );
  });

  it('--dry-run prints the plan and writes nothing', async () => {
    const elsewhere = join(newFolder(), 'none.db');
    const ran = await runCli([
      'run',
      tinyConfig,
      '--dry-run',
      '--json',
      '--ledger',
      elsewhere,
      '--iterations',
      '3',
      '-S',
      'train.steps=7',
    ]);
    expect(jsonOf(ran)).toMatchObject({
      dryRun: true,
      iterations: 3,
      train: { steps: 7 },
      problems: { train: 16, testSeen: 6, testUnseen: 4 },
      collect: { calls: { from: 48, to: 96 } },
      known: { iterations: 0, calls: 0 },
    });
    expect(existsSync(elsewhere)).toBe(false);
    expect(await json('run', tinyConfig, '--dry-run')).toMatchObject({
      runId: tinyReport().runId,
      known: { iterations: 2, calls: 32 },
    });
  });

  it('refuses a folder for results that belongs to something else', async () => {
    const out = newFolder();
    writeFileSync(join(out, 'thesis.tex'), '');
    const ran = await run('run', tinyConfig, '--out', out);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('Refused to overwrite')]);
  });
});

describe('verify', () => {
  it('misses no state to resume from that its training needs no more', async () => {
    const written = (await logged('--type', 'CheckpointWritten')).filter(({ data }) => data['kind'] === 'resume');
    expect(written.length).toBeGreaterThan(2);
    const blobs = openFileBlobStore({ folder: `${ledger}.blobs` });
    for (const { data } of written) expect(await blobs.has(String(data['optimizer']))).toBe(false);
    const before = await json('verify', '--blobs');
    expect([before.ok, before.blobs.missing]).toEqual([true, []]);
    // They stay events like others: also at a position when they were needed, and in a trace.
    const [first] = written;
    const early = await json('verify', '--blobs', '--at', first?.position ?? '');
    expect([early.ok, early.blobs.missing]).toEqual([true, []]);
    const training = String(first?.data['trainingId']);
    expect(await json('trace', training)).toMatchObject({ kind: 'training', target: training });
    expect(await json('trace', first?.id ?? '')).toMatchObject({ kind: 'event' });
  });

  it('gives {ok, events, root, firstDamaged} and says what the run sealed', async () => {
    const { root, events } = tinyReport();
    expect(await json('verify', '--blobs')).toMatchObject({
      ok: true,
      root: hex64,
      firstDamaged: null,
      damaged: 0,
      sealed: { root, size: events },
      storage: { ok: true },
      blobs: { missing: [], damaged: [] },
    });
  });

  it('reads a prefix, and holds it against a seal kept elsewhere', async () => {
    const { root, events } = tinyReport();
    const seal = join(folder, 'seal.json');
    writeFileSync(seal, JSON.stringify({ size: events, root }));
    const at = await json('verify', '--at', String(events), '--published', seal);
    expect(at).toMatchObject({ ok: true, events, root });
    writeFileSync(seal, JSON.stringify([{ size: 5, root: '0'.repeat(64) }]));
    const ran = await run('verify', '--published', seal);
    expect([ran.code, ran.stdout]).toEqual([6, expect.stringContaining('as published')]);
  });
});

describe('log', () => {
  it('filters by type, stream, position and number', async () => {
    const derived = await logged('--type', 'DatasetDerived');
    expect(derived.length).toBeGreaterThanOrEqual(3);
    expect(new Set(derived.map(({ type }) => type))).toEqual(new Set(['DatasetDerived']));
    const training = await logged('--stream', 'training-', '--limit', '4');
    expect(training.map(({ stream }) => stream.slice(0, 9))).toEqual(Array(4).fill('training-'));
    expect((await logged('--after', '3', '--limit', '2')).map(({ position }) => position)).toEqual(['4', '5']);
    expect((await logged('--at', '2')).map(({ position }) => position)).toEqual(['1', '2']);
    expect((await logged('--backwards', '--limit', '1'))[0]?.type).toBe('LedgerSealed');
  });

  it('prints one line an event for people', async () => {
    const { stdout } = await run('log', '--limit', '3');
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stdout).toContain('RunStarted');
  });
});

describe('derive, why and trace', () => {
  it('derives what the run derived, and counts what it dropped', async () => {
    const policy = join(tinyConfig, '..', 'tiny-policy.yaml');
    const derived = await json('derive', '--policy', policy, '--run', 'latest', '--iteration', '1');
    const { dataset, rows } = tinyIteration(1);
    expect(derived).toMatchObject({
      dataset,
      rows,
      seed: 1,
      policy: { name: 'tiny', digest: hex64 },
      ledger: { root: hex64 },
    });
    const byReason: Readonly<Record<string, number>> = derived.byReason;
    const dropped = Object.values(byReason).reduce((sum, n) => sum + n, 0);
    expect(derived['dropped']).toBe(dropped);
    expect(derived['candidates']).toBe(dropped + rows);
  });

  it('derives the ledger as it was', async () => {
    const [posed] = await logged('--type', 'TrainingStarted', '--limit', '1');
    const at = await json('derive', '--policy', 'ft-rationale', '--at', posed?.position ?? '');
    expect(at).toMatchObject({ rows: 16, ledger: { size: Number(posed?.position) } });
  });

  it('ends with a code of its own when a policy keeps nothing, and records it', async () => {
    const ran = await run('derive', '--policy', 'si-demo', '--run', 'latest', '--json');
    expect(ran.code).toBe(8);
    expect(jsonOf(ran)).toMatchObject({ rows: 0, dataset: hex64 });
    expect(ran.stderr).toContain('The policy si-demo keeps nothing');
  });

  it('why names the deciding rule of every attempt, with value and threshold', async () => {
    const attempts = await logged('--type', 'AttemptMade');
    const closed = await logged('--type', 'TrajectoryClosed');
    const idOf = (trajectory: unknown): string =>
      attempts.find(({ data }) => data['trajectoryId'] === trajectory)?.id ?? String(trajectory);
    const decisionsOn = async (outcome: string): Promise<readonly Detail[]> => {
      const one = closed.find(({ data }) => data['outcome'] === outcome);
      if (one === undefined) return [];
      const told: Why = await json('why', idOf(one.data['trajectoryId']));
      return told.answers.flatMap(({ answer }) => answer.children.map(({ detail }) => detail));
    };
    const kept = await decisionsOn('solved');
    const dropped = await decisionsOn('discarded');
    expect(kept.length + dropped.length).toBeGreaterThan(0);
    for (const detail of [...kept, ...dropped]) {
      expect(Object.keys(detail)).toEqual(expect.arrayContaining(['rule', 'says', 'value', 'threshold']));
    }
    expect(kept.length === 0 || kept.some(({ rule }) => rule === 'kept')).toBe(true);
    expect(dropped.every(({ rule }) => String(rule).startsWith('collect.'))).toBe(true);
  });

  it('trace goes from a row to its problem and checkpoint, and on to the steps', async () => {
    const dataset = tinyIteration(1).dataset ?? '';
    const { stdout } = await run('trace', `${dataset.slice(0, 10)}#0`, '--text');
    for (const part of ['row ', 'prompt', 'ProblemPosed', 'in dataset', 'trained by', 'step ', 'into checkpoint'])
      expect(stdout).toContain(part);
    expect(stdout).toContain('Sort the following words');
    const traced = await json('trace', `${dataset}#0`);
    const byId = await json('trace', traced.target);
    expect(byId).toEqual(traced);
    expect(traced.kind).toBe('row');
  });

  it('trace knows checkpoints, datasets, events, trajectories, trainings and problems', async () => {
    const { checkpoint, dataset } = tinyIteration(2);
    const [training] = await logged('--type', 'TrainingCompleted', '--limit', '1');
    const [closed] = await logged('--type', 'TrajectoryClosed', '--limit', '1');
    const expected: readonly (readonly [string, string])[] = [
      [checkpoint.slice(0, 8), 'checkpoint'],
      [dataset ?? '', 'dataset'],
      [training?.id ?? '', 'event'],
      [String(training?.data['trainingId']), 'training'],
      [String(closed?.data['trajectoryId']), 'trajectory'],
      [String(closed?.data['problemId']), 'problem'],
    ];
    for (const [id, kind] of expected)
      expect(await json('trace', id)).toMatchObject({ kind, trace: { children: expect.any(Array) } });
  });
});

describe('export-student, import, and single steps', () => {
  it('exports a folder that imports as the same checkpoint', async () => {
    const { checkpoint, weights } = tinyIteration(0);
    const student = join(newFolder(), 'student');
    expect(await json('export-student', checkpoint.slice(0, 12), student)).toMatchObject({ checkpoint, weights });
    expect(await json('export-student', checkpoint, student)).toMatchObject({ checkpoint });
    const receipt = readFileSync(join(student, 'receipt.jsonl'), 'utf8').trimEnd().split('\n');
    const types = receipt.map((line): string => JSON.parse(line).type);
    expect(types).toEqual(
      expect.arrayContaining(['TrainingStarted', 'StepRecorded', 'CheckpointWritten', 'TrainingCompleted']),
    );
    expect(types.filter((type) => type === 'CheckpointWritten')).toHaveLength(1);

    const other = join(newFolder(), 'other.db');
    const imported = await runCli(['import', '--format', 'checkpoint', student, '--ledger', other, '--json']);
    expect(jsonOf(imported)).toMatchObject({ checkpoint });
    writeFileSync(join(student, 'config.json'), '{}');
    const refused = await run('export-student', checkpoint, student);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('config.json')]);
  });

  it('exports rounded weights, without a receipt, that import as a checkpoint of their own', async () => {
    const { checkpoint } = tinyIteration(0);
    const [whole, half] = [join(newFolder(), 'whole'), join(newFolder(), 'half')];
    await json('export-student', checkpoint, whole);
    const { files } = await json('export-student', checkpoint, half, '--dtype', 'bf16');
    expect(files).not.toContain('receipt.jsonl');
    const sizes = [whole, half].map((each) => readFileSync(join(each, 'model.safetensors')).length);
    expect(sizes[1]).toBeLessThan(0.6 * (sizes[0] ?? 0));
    const other = join(newFolder(), 'other.db');
    const imported = await runCli(['import', '--format', 'checkpoint', half, '--ledger', other, '--json']);
    expect(jsonOf(imported).checkpoint).toMatch(/^[0-9a-f]{64}$/);
    expect(jsonOf(imported).checkpoint).not.toBe(checkpoint);
  });

  it('a run that imports its base ends in the same digests', async () => {
    const other = join(newFolder(), 'trained.db');
    const base = join(tinyRun(), 'out', 'base');
    const ran = await runCli(['run', tinyConfig, '-S', `base.trained=${base}`, '--ledger', other, '--json', '-q']);
    expect(ran.stderr).toBe('');
    const made: readonly Iteration[] = jsonOf(ran).iterations;
    expect(made.map(({ checkpoint, weights }) => [checkpoint, weights])).toEqual(
      tinyReport().iterations.map(({ checkpoint, weights }) => [checkpoint, weights]),
    );
  });

  it('collect, derive, train and evaluate do the loop by hand', async () => {
    const { checkpoint, dataset } = tinyIteration(1);
    const base = tinyIteration(0).checkpoint;
    expect(await json('collect', '--config', tinyConfig, '--student', base, '-q')).toMatchObject({
      runId: tinyReport().runId,
      trajectories: 16,
      newCalls: 0,
      reusedCalls: 16,
    });
    const args = ['train', '--dataset', dataset ?? '', '--base', base, '-c', tinyConfig, '-S', 'steps=3', '-q'];
    const trained = await json(...args);
    expect(trained).toMatchObject({
      dataset,
      base,
      steps: 3,
      reusedSteps: 0,
      weights: hex64,
      checkpoint: hex64,
      fingerprints: hex64,
    });
    expect(await json(...args)).toMatchObject({ checkpoint: trained['checkpoint'], reusedSteps: 3 });
    const scored = await json(
      'evaluate',
      '--checkpoint',
      checkpoint,
      '--problems',
      'word-sorting',
      '--max-tokens',
      '40',
      '--batch',
      '10',
      '-q',
    );
    expect(scored).toMatchObject({ checkpoint, problems: 10, reused: false, scores: { 'items.total': 10 } });
    expect(scored['cells']).toHaveLength(2);
    const again = await run('evaluate', '--checkpoint', checkpoint, '--max-tokens', '40', '--batch', '10', '-q');
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('scored before')]);
  });
});

describe('problems from files', () => {
  const line = (question: string, answer: readonly string[]): string => {
    const list = answer.toReversed().join(' ');
    const rationale = `(1) The first letter: ${answer
      .toReversed()
      .map((w) => `"${w}"="${w[0]}" (${w.charCodeAt(0) - 96})`)
      .join(', ')}.`;
    const body = `${rationale}\n(2) We now have: ${answer.map((w) => `(${w.charCodeAt(0) - 96}) "${w}"`).join(' < ')}.\n(3) Hence, we have ${answer.map((w) => `"${w}"`).join(' < ')}.\n(Final response) So the answer is: ${answer.join(' ')}.`;
    const text = `Q: ${question}\nList: ${list}\nAnswer: Let's think step by step.\n${body}`;
    return JSON.stringify({ text, meta_data: { question: `${question}\nList: ${list}`, rationale: body, answer } });
  };
  const question = 'Sort the following words alphabetically:';

  it('are imported once, checked, and refused where a rationale is wrong', async () => {
    const here = newFolder();
    const db = join(here, 'gold.db');
    const good = join(here, 'good.jsonl');
    writeFileSync(
      good,
      `${line(question, ['ant', 'bee'])}\n${line(question, ['cat', 'dog'])}\n${line(question, ['ant', 'bee'])}\n`,
    );
    const first = jsonOf(await runCli(['import', '--task', 'word-sorting', good, '--ledger', db, '--json']));
    expect(first).toMatchObject({ format: 'tripost', problems: 2, added: 2, known: 0, duplicates: 1, lines: 3 });
    expect(jsonOf(await runCli(['import', '--task', 'word-sorting', good, '--ledger', db, '--json']))).toMatchObject({
      added: 0,
      known: 2,
    });
    expect(jsonOf(await runCli(['check-gold', '--ledger', db, '--json']))).toMatchObject({
      checked: 2,
      accepted: 2,
      refused: [],
    });

    const bad = join(here, 'bad.jsonl');
    writeFileSync(bad, line(question, ['elk', 'fox']).replaceAll('(5) \\"elk\\" < (6)', '(5) \\"elk\\" < (7)'));
    await runCli(['import', '--task', 'word-sorting', bad, '--ledger', db]);
    const checked = await runCli(['check-gold', '--ledger', db, '--json']);
    expect(checked.code).toBe(12);
    expect(jsonOf(checked)).toMatchObject({
      checked: 3,
      accepted: 2,
      refused: [{ line: 1, class: 'no-such-rank', reason: expect.stringContaining('step (2)') }],
    });

    writeFileSync(bad, `${line(question, ['gnu', 'hen'])}\nnot json\n{"text": 1}\n`);
    const refused = await runCli(['import', '--task', 'word-sorting', bad, '--ledger', db]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/2 lines are not .*\n {2}line 2: .*\n {2}line 3: /),
    ]);
  });

  it('feedback judges a pipe, line by line', async () => {
    const meta: { readonly question: string; readonly rationale: string; readonly answer: readonly string[] } =
      JSON.parse(line(question, ['ant', 'bee'])).meta_data;
    const asked = { question: meta.question, attempt: meta.rationale, answer: meta.answer };
    const wrong = {
      question,
      options: 'List: bee ant',
      attempt: meta.rationale.replace('(2) We now have: (1)', '(2) We now have: (3)'),
      answer: 'ant bee',
    };
    const input = [
      JSON.stringify(asked),
      JSON.stringify(wrong),
      'nonsense',
      JSON.stringify({ question }),
      JSON.stringify({ ...asked, attempt: 'no' }),
    ].join('\n');
    const ran = await runCli(['feedback', '--task', 'word-sorting'], { input });
    const verdicts = ran.stdout
      .trimEnd()
      .split('\n')
      .map((each): Readonly<Record<string, unknown>> => JSON.parse(each));
    expect([ran.code, ran.stderr, verdicts.length]).toEqual([0, '', 5]);
    expect(verdicts[0]).toEqual({
      verdict: 'correct',
      step: null,
      segment: null,
      reason: null,
      text: expect.stringContaining('are correct'),
    });
    expect(verdicts[1]).toEqual({
      verdict: 'incorrect',
      step: '2',
      segment: expect.any(String),
      reason: expect.any(String),
      text: expect.stringContaining('In step (2) the part "'),
    });
    expect(verdicts[2]).toEqual({
      verdict: 'error',
      step: null,
      segment: null,
      reason: 'line 3: it is no JSON',
      text: null,
    });
    expect(verdicts[3]).toMatchObject({ verdict: 'error', reason: 'line 4: attempt is missing or no string' });
    expect(verdicts[4]).toMatchObject({ verdict: 'error', text: expect.stringMatching(/^\[ERROR\]/) });
  });
});

describe('init and doctor', () => {
  it('init writes a config that run understands, and refuses to overwrite it', async () => {
    const here = mkdtempSync(join(newFolder(), 'init-'));
    const started = ['run.yaml', 'policy.yaml', 'README.md'];
    const made = await runCli(['init', '--json'], { cwd: here });
    expect(jsonOf(made)).toMatchObject({
      files: [...started, 'schemas/run.schema.json', 'schemas/policy.schema.json'],
    });
    expect((await runCli(['policy', 'validate', 'policy.yaml'], { cwd: here })).code).toBe(0);
    const plan = await runCli(['run', 'run.yaml', '--dry-run', '--json'], { cwd: here });
    expect(jsonOf(plan)).toMatchObject({ dryRun: true, task: 'word-sorting', policy: 'tripost' });
    const again = await runCli(['init'], { cwd: here });
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('run.yaml')]);
  });

  it('doctor loads the runtime, computes, and leaves nothing behind', async () => {
    const here = newFolder();
    const ran = await runCli(['doctor', '--json'], { cwd: here });
    expect(ran.code).toBe(0);
    const { ok, checks }: { ok: boolean; checks: readonly { name: string; status: string }[] } = jsonOf(ran);
    expect(ok).toBe(true);
    expect(checks.find(({ name }) => name === 'provider cpu')?.status).toBe('ok');
    expect(readdirSync(here)).toEqual([]);
  });
});
