import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findKey } from '../../events/secrets';
import { readFaults } from '../../src/fakeTeacher/faults';
import { tasks } from '../../src/tasks';
import { jsonOf, runCli, tinyConfig, type Ran, type RunOptions } from '../support/cliBuild';
import { serveFake } from '../support/fakeServer';

const apiKey = `sk-proj-${'T3st'.repeat(10)}`;
const here = mkdtempSync(join(tmpdir(), 'tripost-teacher-'));
const running: { readonly close: () => Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(running.map((server) => server.close()));
  rmSync(here, { recursive: true, force: true });
});

const serve = async (settings: Parameters<typeof serveFake>[0]) => {
  const server = await serveFake({ key: apiKey, seed: 7, ...settings });
  running.push(server);
  return server;
};

const read = readFaults('all');
const faults = read.ok ? read.faults : [];
const nobody = 'http://127.0.0.1:9/v1';

const configOf = (task: string, train = 20): string => {
  const file = join(here, `${task}-${train}.yaml`);
  const text = `seed: 1
task: { name: ${task}, seed: 3, train: ${train}, testSeen: 4, testUnseen: 2 }
base: { shape: { hiddenSize: 32, intermediateSize: 64, layers: 1, heads: 2, kvHeads: 1, headDim: 16 } }
collect: { maxCalls: 1, rightAnswer: fbk, sampling: { temperature: 1, maxTokens: 1500 } }
`;
  writeFileSync(file, text);
  return file;
};

/** A command with a student and a teacher at a server, four calls at once. */
const tripost = (words: readonly string[], url: string, options: RunOptions = {}): Promise<Ran> =>
  runCli(words, { ...options, cwd: here, env: { OPENAI_BASE_URL: url, OPENAI_API_KEY: apiKey, ...options.env } });

const collectWords = (task: string, ledger: string, train = 20): readonly string[] => [
  'collect',
  '-c',
  configOf(task, train),
  '--student',
  'endpoint:small',
  '--teacher',
  'large',
  '--ledger',
  ledger,
  '--concurrency',
  '4',
  '--timeout',
  '1',
  '--json',
  '-q',
];

interface Logged {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const logged = async (ledger: string, ...types: readonly string[]): Promise<readonly Logged[]> => {
  const { stdout } = await runCli(['log', '--ledger', ledger, '--json', ...types.flatMap((type) => ['--type', type])], {
    cwd: here,
  });
  return stdout.split('\n').flatMap((line): Logged[] => (line === '' ? [] : [JSON.parse(line)]));
};

const attemptsOn = async (ledger: string): Promise<number> =>
  (await logged(ledger, 'GenerationProduced', 'CallFailed')).filter(({ data }) => data['reusedFrom'] === null).length;

const datasetOf = async (ledger: string): Promise<string> => {
  const ran = await runCli(['derive', '--policy', 'tripost', '--ledger', ledger, '--json'], { cwd: here });
  const { dataset }: { readonly dataset: string } = jsonOf(ran);
  return dataset;
};

/** Every byte that a command has left or said. */
const saidAndLeft = (ran: readonly Ran[]): string =>
  [
    ...ran.flatMap(({ stdout, stderr }) => [stdout, stderr]),
    ...readdirSync(here, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
  ].join('\n');

describe.each([...tasks.keys()])('%s: 20 problems against a teacher with every fault', (task) => {
  it('completes; every attempt that was served is on the ledger; no key is anywhere', async () => {
    const server = await serve({ faults, rate: 0.2 });
    const ledger = `${task}.db`;
    const ran = await tripost(collectWords(task, ledger), server.url);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(jsonOf(ran)).toMatchObject({ trajectories: 20, student: 'endpoint:small' });
    expect(server.served().calls).toBe(await attemptsOn(ledger));
    expect(await logged(ledger, 'TrajectoryClosed')).toHaveLength(20);
    expect(findKey(saidAndLeft([ran]), [apiKey])).toBeUndefined();
  }, 60_000);

  it('is replayed from the ledger alone, with nobody there: an equal dataset and no call', async () => {
    const ran = await tripost(
      [...collectWords(task, `${task}-again.db`), '--offline', '--calls-from', `${task}.db`],
      nobody,
    );
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(jsonOf(ran)).toMatchObject({ trajectories: 20, newCalls: 0 });
    expect(await attemptsOn(`${task}-again.db`)).toBe(0);
    expect(await datasetOf(`${task}-again.db`)).toBe(await datasetOf(`${task}.db`));
  }, 60_000);
});

describe('score-feedback', () => {
  const scored = async (ledger: string): Promise<{ readonly models: readonly Readonly<Record<string, unknown>>[] }> =>
    jsonOf(await runCli(['score-feedback', '--ledger', ledger, '--json'], { cwd: here }));

  it('finds full agreement of a teacher that answers by the script', async () => {
    const server = await serve({});
    const words = collectWords('word-sorting', 'agrees.db');
    expect((await tripost(words, server.url)).code).toBe(0);
    const given = await logged('agrees.db', 'FeedbackGiven');
    const by = (author: string): number => given.filter(({ data }) => data['author'] === author).length;
    expect(by('teacher')).toBeGreaterThan(5);
    const { models, ...rest } = await scored('agrees.db');
    // The served student is told by the same script.
    const full = (author: string, model: string) => {
      const n = by(author);
      return expect.objectContaining({ task: 'word-sorting', author, model, feedbacks: n, judged: n, sameVerdict: n });
    };
    expect(models).toEqual([full('student', 'small'), full('teacher', 'large')]);
    for (const each of models) expect(each['sameStep']).toBe(each['bothIncorrect']);
    expect(rest).toMatchObject({ withoutScript: {}, differences: [] });
    const told = await runCli(['score-feedback', '--ledger', 'agrees.db'], { cwd: here });
    expect([told.code, told.stdout]).toEqual([0, expect.stringMatching(/word-sorting.*teacher.*large.*100\.0%/)]);
    const other = await runCli(['score-feedback', '--ledger', 'agrees.db', '--task', 'list-functions'], { cwd: here });
    expect(other.stdout).toContain('no feedback of a model stands in a trajectory');
  }, 60_000);
});

describe('what is wrong before the first call', () => {
  it.each([
    ['a price file', { words: ['--prices', 'bad-prices.yaml'], env: {} }, /bad-prices\.yaml:1:1 currency: missing/],
    ['a limit', { words: ['--rpm', '0'], env: {} }, /--rpm: expected a number from 1/],
    ['no key', { words: [], env: { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' } }, /OPENAI_API_KEY is not set/],
  ])('%s: is told, and no ledger is made', async (_what, { words, env }, message) => {
    writeFileSync(join(here, 'bad-prices.yaml'), 'models: {}\n');
    const ran = await tripost([...collectWords('word-sorting', 'never.db'), ...words], nobody, { env });
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(readdirSync(here).filter((name) => name.startsWith('never.db'))).toEqual([]);
  });

  it('a student at a server of its own needs no other', async () => {
    const server = await serve({});
    const words = ['--ledger', 'own.db', '--student-url', server.url, '--student', 'endpoint:small', '--json', '-q'];
    const ran = await runCli(['collect', '-c', configOf('word-sorting', 2), ...words], {
      cwd: here,
      env: { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: 'not a URL' },
    });
    expect([ran.code, ran.stderr]).toEqual([0, '']);
  });
});

describe('a collection that is killed', () => {
  it('ends with the same dataset, and repeats at most the calls that were in flight, which it marks', async () => {
    const task = 'multistep-arithmetic';
    const plain = await serve({ faults, rate: 0.2, seed: 3, latencyMs: 5 });
    expect((await tripost(collectWords(task, 'plain.db'), plain.url)).code).toBe(0);
    const server = await serve({ faults, rate: 0.2, seed: 3, latencyMs: 5 });
    let kills = 0;
    for (const behind of [3, 15, 30]) {
      const during = (child: ChildProcess): void => {
        const look = setInterval(() => {
          if (server.served().calls < behind) return;
          child.kill('SIGKILL');
          clearInterval(look);
        }, 2);
        child.on('exit', () => clearInterval(look));
      };
      const ran = await tripost(collectWords(task, 'killed.db'), server.url, { during });
      if (ran.signal === 'SIGKILL') kills += 1;
    }
    const ran = await tripost(collectWords(task, 'killed.db'), server.url);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(kills).toBeGreaterThan(0);
    expect(await datasetOf('killed.db')).toBe(await datasetOf('plain.db'));
    const lost = server.served().calls - (await attemptsOn('killed.db'));
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lost).toBeLessThanOrEqual(4 * kills);
    const marked = (await logged('killed.db', 'GenerationProduced')).filter(({ data }) => data['repeated'] === true);
    expect(marked.length).toBeLessThanOrEqual(4 * kills);
    expect((await runCli(['verify', '--blobs', '--ledger', 'killed.db', '-q'], { cwd: here })).code).toBe(0);
  }, 90_000);
});

describe('a plan and a budget', () => {
  const task = 'word-sorting';
  const prices = join(here, 'prices.yaml');
  const price = '{ input: 1, cachedInput: null, output: 2, dated: 2026-01-01, source: a test }';
  beforeAll(() => writeFileSync(prices, `currency: USD\nper: 1000000\nmodels: { large: ${price}, small: ${price} }\n`));

  it('hold: the real calls and their cost lie in the interval, and a budget stops and goes on', async () => {
    const server = await serve({});
    const words = [...collectWords(task, 'budget.db'), '--prices', prices];
    const planned = await tripost([...words, '--dry-run'], server.url);
    expect(server.served().calls).toBe(0);
    expect(readdirSync(here)).not.toContain('budget.db');
    const plan: {
      readonly calls: Readonly<Record<'from' | 'to', number>>;
      readonly cost: Readonly<Record<'from' | 'to', number>>;
    } = jsonOf(planned);
    const stopped = await tripost([...words, '--max-calls', '7'], server.url);
    expect(stopped.code).toBe(15);
    expect(server.served().calls).toBeLessThanOrEqual(2 * 7);
    const before = server.served().calls;
    const again = await tripost([...words, '--max-calls', '7'], server.url);
    expect([again.code, server.served().calls]).toEqual([15, before]);
    const rest = jsonOf(await tripost([...words, '--dry-run'], server.url));
    expect(rest).toMatchObject({ calls: { reused: before }, tokens: { from: 'ledger' } });
    const dear = await tripost([...words, '--max-cost', '0.0000001'], server.url);
    expect([dear.code, server.served().calls]).toEqual([15, before]);
    const done = await tripost([...words, '--max-cost', '5'], server.url);
    expect([done.code, done.stderr]).toEqual([0, '']);
    const made = server.served().calls;
    expect(made).toBe(await attemptsOn('budget.db'));
    expect(made).toBeGreaterThanOrEqual(plan.calls.from);
    expect(made).toBeLessThanOrEqual(plan.calls.to);
    const costs = (await logged('budget.db', 'GenerationProduced')).map(
      ({ data }) => Object(data['price']).amount ?? 0,
    );
    const paid = costs.reduce((sum: number, cost: number) => sum + cost, 0);
    expect(paid).toBeGreaterThan(0);
    expect(paid).toBeGreaterThanOrEqual(plan.cost.from);
    expect(paid).toBeLessThanOrEqual(plan.cost.to);
  }, 60_000);

  it('in money are refused for a model without a price, before anything is sent', async () => {
    const server = await serve({});
    const ran = await tripost([...collectWords(task, 'unpriced.db'), '--max-cost', '1'], server.url);
    expect(ran.code).toBe(2);
    expect(ran.stdout + ran.stderr).toContain('needs a price');
    expect(server.served().calls).toBe(0);
  });
});

describe('a served model', () => {
  const task = 'word-sorting';

  it('keeps its lineage: exported, trained elsewhere, registered, and asked again', async () => {
    const server = await serve({});
    const ledger = 'lineage.db';
    expect((await tripost(collectWords(task, ledger, 6), server.url)).code).toBe(0);
    const dataset = await datasetOf(ledger);
    const files = mkdtempSync(join(here, 'model-'));
    writeFileSync(join(files, 'config.json'), '{}');
    writeFileSync(join(files, 'model.safetensors'), 'weights');
    const words = [
      'register-checkpoint',
      'small',
      '--ledger',
      ledger,
      '--dataset',
      'latest',
      '--base',
      'llama',
      '--json',
    ];
    const registered = jsonOf(await runCli([...words, '--trainer', 'trl@1.0', '--files', files], { cwd: here }));
    expect(registered).toMatchObject({
      name: 'small',
      dataset,
      base: { name: 'llama', checkpoint: null },
      written: true,
    });
    expect(Object.keys(registered.files).sort()).toEqual(['config.json', 'model.safetensors']);
    expect((await runCli([...words, '--trainer', 'trl'], { cwd: here })).code).toBe(2);
    const ran = await tripost([...collectWords(task, ledger, 6), '--iteration', '2'], server.url);
    expect(jsonOf(ran)).toMatchObject({ student: registered.checkpoint, iteration: 2 });
    const scored = await tripost(
      ['evaluate', '--checkpoint', 'endpoint:small', '--ledger', ledger, '--json', '-q'],
      server.url,
    );
    expect(jsonOf(scored)).toMatchObject({ checkpoint: registered.checkpoint, problems: 6, reused: false });
    const again = await tripost(
      ['evaluate', '--checkpoint', 'endpoint:small', '--ledger', ledger, '--json', '-q', '--offline'],
      nobody,
    );
    expect(jsonOf(again)).toMatchObject({ reused: true });
    const last = (await logged(ledger, 'GenerationProduced')).find(
      ({ data }) => Object(data['model']).digest === registered.checkpoint,
    );
    expect(last?.data['author']).toBe('student');
    const traced = await runCli(['trace', registered.checkpoint.slice(0, 12), '--ledger', ledger], { cwd: here });
    expect(traced.stdout).toContain('CheckpointRegistered');
    expect(traced.stdout).toContain(dataset);
  }, 60_000);

  it('is scored under prompts, with and without the oracle stop; no call is made twice', async () => {
    const server = await serve({});
    const ledger = 'scores.db';
    expect((await tripost(collectWords(task, ledger, 4), server.url)).code).toBe(0);
    const score = async (how: string) =>
      jsonOf(
        await tripost(
          [
            'evaluate',
            '--checkpoint',
            'endpoint:large',
            '--prompting',
            how,
            '--temperature',
            '0',
            '--ledger',
            ledger,
            '--json',
            '-q',
          ],
          server.url,
        ),
      );
    const before = server.served().calls;
    const few = await score('few-shot');
    expect(server.served().calls - before).toBe(6);
    const improved = await score('self-improve');
    const oracle = await score('self-improve-oracle');
    expect(few.scores['siFrequency.total']).toBe(0);
    expect(improved.scores['siFrequency.total']).toBeGreaterThan(0);
    expect(new Set([few.evaluationId, improved.evaluationId, oracle.evaluationId]).size).toBe(3);
    // The first answers are the same call, and were asked for once.
    expect(server.served().calls).toBe(await attemptsOn(ledger));
    expect((await datasetOf(ledger)).length).toBe(64);
  }, 60_000);

  it('is told apart call by call: why-call names the parts, who used it again, and the nearest for a miss', async () => {
    const ledger = 'scores.db';
    const generations = await logged(ledger, 'GenerationProduced');
    const reused = generations.find(({ data }) => data['reusedFrom'] !== null);
    const original = String(reused?.data['reusedFrom']);
    const told = jsonOf(await runCli(['why-call', original, '--ledger', ledger, '--json'], { cwd: here }));
    expect(told).toMatchObject({ generation: original, recorded: true, madeBy: original, repeated: false });
    expect(told.reusedBy.length).toBeGreaterThan(0);
    expect(told.parts['model.name']).toBe('large');
    const missed = await runCli(['why-call', '--prompt', 'Q: Sort the following wirds', '--ledger', ledger, '--json'], {
      cwd: here,
    });
    expect(missed.code).toBe(12);
    expect(jsonOf(missed)).toMatchObject({ recorded: false, nearest: { differences: [{ part: 'prompt' }] } });
    const file = join(here, 'call.json');
    const blobs = join(here, `${ledger}.blobs`);
    const key = String(reused?.data['callKey']);
    const blob = readdirSync(blobs, { recursive: true, withFileTypes: true }).find(
      (entry) => entry.isFile() && join(entry.parentPath, entry.name).replaceAll('/', '').endsWith(key),
    );
    const text = readFileSync(join(blob?.parentPath ?? '', blob?.name ?? ''), 'utf8');
    writeFileSync(file, text.replace('"temperature":0', '"temperature":0.5'));
    const other = await runCli(['why-call', '--request', file, '--ledger', ledger, '--json'], { cwd: here });
    expect(jsonOf(other).nearest.differences).toEqual([{ part: 'sampling.temperature', here: '0.5', there: '0' }]);
    writeFileSync(file, text);
    expect((await runCli(['why-call', '--request', file, '--ledger', ledger], { cwd: here })).code).toBe(0);
    expect((await runCli(['why-call', '--ledger', ledger], { cwd: here })).code).toBe(2);
  }, 60_000);
});

describe('a whole run with a teacher', () => {
  it('is replayed from its ledger with nobody there: equal datasets, weights and scores, and no call', async () => {
    const server = await serve({ faults, rate: 0.1 });
    const words = (ledger: string): readonly string[] => [
      'run',
      tinyConfig,
      '--iterations',
      '1',
      '--teacher',
      'large',
      '--ledger',
      ledger,
      '--timeout',
      '1',
      '--json',
      '-q',
    ];
    const ran = await tripost(words('run.db'), server.url);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const teacher = (await logged('run.db', 'GenerationProduced')).filter(({ data }) => data['author'] === 'teacher');
    expect(teacher.length).toBeGreaterThan(8);
    expect(server.served().calls).toBe(
      teacher.filter(({ data }) => data['reusedFrom'] === null).length + (await logged('run.db', 'CallFailed')).length,
    );
    const calls = server.served().calls;
    const again = await tripost([...words('run-again.db'), '--offline', '--calls-from', 'run.db'], nobody);
    expect([again.code, again.stderr]).toEqual([0, '']);
    const results = (one: Ran): unknown =>
      jsonOf(one).iterations.map(({ dataset, weights, scores }: Readonly<Record<string, unknown>>) => [
        dataset,
        weights,
        scores,
      ]);
    expect(results(again)).toEqual(results(ran));
    expect(server.served().calls).toBe(calls);
    expect((await runCli(['verify', '--blobs', '--ledger', 'run-again.db', '-q'], { cwd: here })).code).toBe(0);
    const plan = jsonOf(await tripost([...words('run.db'), '--dry-run'], server.url));
    expect(plan.teacher.calls.to).toBeGreaterThan(teacher.length);
  }, 120_000);
});

describe('an ablation of script against model', () => {
  const matrix = (): string => {
    const file = join(here, 'who-edits.yaml');
    const text = `ablation: 1
name: who-edits
run: ${tinyConfig}
set: { iterations: 1, train.steps: 2 }
arms:
  script: { collect.editor: script }
  model: { collect.editor: { teacher: { model: large } } }
vary: [collect.editor]
seeds: [1, 2]
`;
    writeFileSync(file, text);
    return file;
  };
  const words = (ledger: string): readonly string[] => ['ablate', matrix(), '--ledger', ledger, '--json', '-q'];

  it('asks the model in its own cells alone, plans its calls, and is repeated without one', async () => {
    const server = await serve({});
    const ran = await tripost(words('arms.db'), server.url);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const calls = (await logged('arms.db', 'GenerationProduced')).filter(({ data }) => data['author'] === 'teacher');
    expect(calls.length).toBeGreaterThan(8);
    expect(server.served().calls).toBe(calls.filter(({ data }) => data['reusedFrom'] === null).length);
    const collections = await logged('arms.db', 'CollectionStarted');
    expect(collections).toHaveLength(4);
    expect(new Set(calls.map(({ data }) => data['collectionId'])).size).toBe(2);
    const served = server.served().calls;
    const again = await tripost([...words('arms-again.db'), '--offline', '--calls-from', 'arms.db'], nobody);
    expect([again.code, again.stderr]).toEqual([0, '']);
    const results = (one: Ran): unknown => {
      const { cells, comparisons, missing } = jsonOf(one);
      return [cells, comparisons, missing];
    };
    expect(results(again)).toEqual(results(ran));
    expect(server.served().calls).toBe(served);
    const reproduced = await tripost(['reproduce', jsonOf(ran).ablationId, '--ledger', 'arms.db', '-q'], nobody);
    expect([reproduced.code, reproduced.stderr]).toEqual([0, '']);
    const plan = jsonOf(await tripost([...words('arms.db'), '--dry-run'], server.url));
    expect(plan.teachers).toMatchObject([{ model: 'large', trajectories: { total: 32 } }]);
    expect(plan.teachers[0].calls.to).toBeGreaterThan(calls.length);
  }, 120_000);

  it('stops at a budget with its own exit code, and goes on from there', async () => {
    const server = await serve({});
    const stopped = await tripost([...words('held.db'), '--max-calls', '5'], server.url);
    expect(stopped.code).toBe(15);
    expect(server.served().calls).toBeLessThanOrEqual(5);
    const whole = await tripost(words('held.db'), server.url);
    expect([whole.code, whole.stderr]).toEqual([0, '']);
    expect(jsonOf(whole).missing).toEqual([]);
  }, 120_000);

  it('is refused without a server, before a ledger is made', async () => {
    const ran = await tripost(words('nowhere.db'), '', { env: { OPENAI_API_KEY: '' } });
    expect([ran.code, readdirSync(here).includes('nowhere.db')]).toEqual([2, false]);
    expect(ran.stderr).toContain('OPENAI_API_KEY is not set');
  });
});

describe('a baseline', () => {
  it.each([
    ['si-demo', ['--teacher', 'large'], 'si-demo'],
    ['lmsi-vote', ['--student', 'endpoint:small'], 'lmsi-vote'],
    ['lmsi-gold', ['--student', 'endpoint:small'], 'lmsi-gold'],
    ['star', ['--student', 'endpoint:small', '--teacher', 'large'], 'star-hint'],
  ])(
    '%s: its dataset by one command, and again without a call',
    async (name, who, policy) => {
      const server = await serve({});
      const words = [
        'baseline',
        name,
        '-c',
        configOf('multistep-arithmetic', 30),
        ...who,
        '--ledger',
        `${name}.db`,
        '--json',
        '-q',
      ];
      const made = jsonOf(await tripost(words, server.url));
      expect(made).toMatchObject({ baseline: name, policy });
      expect(made.rows).toBeGreaterThan(0);
      expect(server.served().calls).toBe(await attemptsOn(`${name}.db`));
      const again = jsonOf(await tripost([...words, '--offline'], nobody));
      expect([again.dataset, again.runId]).toEqual([made.dataset, made.runId]);
    },
    60_000,
  );

  it('star: asks with the answer as a hint where no attempt was right, and the hint stands in that prompt alone', async () => {
    const generations = await logged('star.db', 'GenerationProduced');
    const hinted = generations.filter(({ data }) => data['author'] === 'teacher');
    expect(hinted.length).toBeGreaterThan(0);
    for (const { data } of hinted) expect(String(data['prompt'])).toContain('The right answer is: ');
    expect(generations.some(({ data }) => String(data['text']).includes('The right answer is: '))).toBe(false);
  }, 30_000);

  it.each([
    [['si-demo'], 'name it with --teacher'],
    [['lmsi-vote'], 'name it with --student'],
    [['star', '--student', 'latest'], 'can be given a hint'],
    [['rft'], 'The baselines are'],
  ])('%j is refused, with what is missing', async (words, message) => {
    const ran = await tripost(
      ['baseline', ...words, '-c', configOf('multistep-arithmetic', 12), '--ledger', 'none.db'],
      nobody,
    );
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
    expect(readdirSync(here)).not.toContain('none.db');
  });
});

describe('prompts of one', () => {
  it("'s own go over the shipped ones, and are refused with file and line where they are wrong", async () => {
    const server = await serve({});
    const folder = mkdtempSync(join(here, 'prompts-'));
    const words = [...collectWords('word-sorting', 'prompts.db', 3), '--prompts', folder];
    expect((await tripost(words, server.url)).stdout).toContain('there is no prompt in it');
    writeFileSync(
      join(folder, 'feedback.yaml'),
      'prompt: 1\nkind: feedback\nversion: 9\nsystem: Check.\nuser: "{problem}"\n',
    );
    const wrong = await tripost(words, server.url);
    expect(wrong.code).toBe(2);
    expect(wrong.stdout + wrong.stderr).toMatch(/feedback\.yaml:1:1 user: expected \{attempt\} in it/);
    const user = '"{problem}\\n{attempt}\\n\\nWhich is the first wrong step?"';
    writeFileSync(
      join(folder, 'feedback.yaml'),
      `prompt: 1\nkind: feedback\nversion: 9\nsystem: Check.\nuser: ${user}\n`,
    );
    const ran = await tripost(words, server.url);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const [started] = await logged('prompts.db', 'CollectionStarted');
    const [plain] = await logged('word-sorting.db', 'CollectionStarted');
    const prompts = (one: Logged | undefined): unknown => Object(one?.data['editor']).prompts;
    expect(prompts(started)).toMatch(/^[0-9a-f]{64}$/);
    expect(prompts(started)).not.toBe(prompts(plain));
  }, 60_000);
});
