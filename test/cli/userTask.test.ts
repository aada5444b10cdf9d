import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, runCli, type Ran, type Report } from '../support/cliBuild';
import { fixtures } from '../support/golden';
import { newFolder, removeFolders } from '../support/ledgerFile';
import { smallRun } from '../support/smallRun';

jest.setTimeout(240_000);
afterAll(removeFolders);

const small = smallRun(256);

/** A folder of its own with the task `sums`, its files changed as told, and a config that names it. */
const place = async (changes: Readonly<Record<string, (text: string) => string>> = {}): Promise<string> => {
  const cwd = newFolder();
  const folder = join(cwd, 'my-task');
  cpSync(join(fixtures, 'userTask'), folder, { recursive: true });
  for (const [name, change] of Object.entries(changes)) {
    const path = join(folder, name);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }
  expect((await runCli(['init', '--task', './my-task'], { cwd })).code).toBe(0);
  return cwd;
};

const run = (cwd: string, ...args: readonly string[]): Promise<Ran> =>
  runCli(
    ['run', 'run.yaml', '--policy', join(fixtures, 'cli', 'tiny-policy.yaml'), ...small, '--json', '-q', ...args],
    {
      cwd,
    },
  );

const right = '(1) 2 + 3 = 5.\n(Final response) So the answer is 5.';
const feedback = (cwd: string, attempts: readonly string[]): Promise<Ran> =>
  runCli(['feedback', '--task', './my-task'], {
    cwd,
    input: attempts.map((attempt) => JSON.stringify({ question: 'What is 2 + 3?', answer: 5, attempt })).join('\n'),
  });

it('a folder with a verifier is a task: it runs whole, from its files alone, and again without a new call', async () => {
  const cwd = await place();
  const first = await run(cwd);
  expect([first.code, first.stderr]).toEqual([0, '']);
  const { iterations, runId, root }: Report = jsonOf(first);
  expect(iterations).toHaveLength(2);
  const again: Report = jsonOf(await run(cwd));
  expect([again.runId, again.root]).toEqual([runId, root]);

  const posed = (await runCli(['log', '--type', 'ProblemPosed', '--json'], { cwd })).stdout.trimEnd().split('\n');
  const problems = posed.map(
    (line): { data: { task: string; rationale: string | null; closingFeedback: string | null } } => JSON.parse(line),
  );
  expect(problems).toHaveLength(10);
  expect(new Set(problems.map(({ data }) => data.task))).toEqual(new Set(['sums']));
  for (const { data } of problems) expect(data.closingFeedback === null).toBe(data.rationale === null);

  const checked = await runCli(['check-gold', '--task', './my-task', '--json'], { cwd });
  expect(jsonOf(checked)).toMatchObject({ refused: [], byTask: { sums: { method: 'steps and answer' } } });
  const scored = await runCli(
    ['evaluate', '--task', './my-task', '--checkpoint', 'latest', '--max-tokens', '24', '--json', '-q'],
    { cwd },
  );
  expect(jsonOf(scored)).toMatchObject({ problems: 4 });
});

it('another verifier is another run: the run id covers every file of the folder', async () => {
  const plan = async (cwd: string) => jsonOf(await run(cwd, '--dry-run'));
  const [one, same, other] = [
    await place(),
    await place(),
    await place({ 'verify.mjs': (text) => `${text}// changed\n` }),
  ];
  const { runId } = await plan(one);
  expect((await plan(same)).runId).toBe(runId);
  expect((await plan(other)).runId).not.toBe(runId);
});

it('feedback asks the verifier, and gives its findings in the training grammar', async () => {
  const ran = await feedback(await place(), [right, right.replace('= 5', '= 6'), 'no steps']);
  const verdicts = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(verdicts).toMatchObject([
    { verdict: 'correct', text: 'Step (1) is correct, and the final response is also correct.' },
    { verdict: 'incorrect', step: '1', segment: '2 + 3 = 6', text: expect.stringMatching(/^In step \(1\) the part "/) },
    { verdict: 'error' },
  ]);
});

describe('a verifier that', () => {
  const failing = async (change: (text: string) => string, yaml: (text: string) => string = (text) => text) => {
    const { code, stderr } = await feedback(await place({ 'verify.mjs': change, 'task.yaml': yaml }), [right]);
    return { code, stderr };
  };

  it('crashes ends the command with what it wrote to stderr', async () => {
    expect(await failing((text) => text.replace('JSON.parse(line)', 'JSON.parse(nothing)'))).toEqual({
      code: 11,
      stderr: expect.stringMatching(/`node verify.mjs` failed: it ended with exit code 1[\s\S]*nothing is not defined/),
    });
  });

  it('hangs is stopped at its timeout', async () => {
    expect(
      await failing(
        (text) => text.replace('process.stdout.write', '(() => undefined)'),
        (text) => text.replace('timeoutSeconds: 20', 'timeoutSeconds: 1'),
      ),
    ).toEqual({ code: 11, stderr: expect.stringContaining('it gave no answer within 1 s') });
  });

  it('answers something else is quoted', async () => {
    expect(await failing((text) => text.replace("{ verdict: 'correct' }", "{ verdict: 'fine' }"))).toEqual({
      code: 11,
      stderr: expect.stringMatching(/its answer is not \{"verdict".*\{"verdict":"fine"\}/),
    });
  });

  it('cannot be started says so', async () => {
    expect(
      await failing(
        (text) => text,
        (text) => text.replace('[node, verify.mjs]', '[no-such-program-here]'),
      ),
    ).toEqual({
      code: 11,
      stderr: expect.stringContaining('it cannot be started'),
    });
  });

  it('gives two answers to one question is found out', async () => {
    expect(
      await failing(
        (text) =>
          `let asked = 0;\n${text.replace("{ verdict: 'correct' }", "{ verdict: asked++ % 2 === 0 ? 'correct' : 'error' }")}`,
        (text) => `${text}  askTwiceEvery: 1\n`,
      ),
    ).toEqual({ code: 11, stderr: expect.stringContaining('gave two answers to the same question') });
  });
});

describe('a folder that', () => {
  it.each([
    [
      'has a wrong line',
      { 'problems.jsonl': (text: string) => `${text}{"question": 1}\n` },
      /line 15: question is missing/,
    ],
    [
      'asks twice',
      { 'problems.jsonl': (text: string) => `${text}${text}` },
      /line 15: it asks what an earlier line asks/,
    ],
    ['has an unknown key', { 'task.yaml': (text: string) => `${text}colour: red\n` }, /unknown key "colour"/],
    ['names no verifier', { 'task.yaml': (text: string) => text.replace(/verifier:[\s\S]*/, '') }, /verifier/],
  ] as const)('%s is refused with its place', async (_what, changes, message) => {
    const { code, stderr } = await run(await place(changes), '--dry-run');
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('is not there is refused', async () => {
    const { code, stderr } = await runCli(['feedback', '--task', './nowhere'], { cwd: newFolder() });
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no such folder')]);
  });
});
