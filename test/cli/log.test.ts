import { jsonOf, runCli, tinyIteration, tinyLedger, tinyReport } from '../support/cliBuild';
import { fieldsOf, textOf, the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

interface Logged {
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly recordedAt: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

const parsed = (stdout: string): readonly Logged[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Logged => JSON.parse(line));

describe('log with filters', () => {
  const ledger = tinyLedger(newFolder());
  let all: readonly Logged[] = [];
  const logged = async (...args: readonly string[]): Promise<readonly Logged[]> => {
    const ran = await runCli(['log', '--json', ...args, '--ledger', ledger]);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    return parsed(ran.stdout);
  };
  const where = (is: (event: Logged) => boolean): readonly Logged[] => {
    const found = all.filter(is);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(all.length);
    return found;
  };
  beforeAll(async () => {
    all = await logged();
  });

  it('by run: what names it, and the collections, trainings and evaluations that it made', async () => {
    const { runId } = tinyReport();
    const found = await logged('--run', runId.slice(0, 8));
    expect(await logged('--run', 'latest')).toEqual(found);
    const types = new Set(found.map(({ type }) => type));
    for (const type of ['RunStarted', 'GenerationProduced', 'TrainingStarted', 'EvaluationRecorded', 'DatasetDerived'])
      expect(types).toContain(type);
    const bases = where(({ type, data }) => type === 'CheckpointWritten' && data['kind'] === 'final');
    expect(found.filter(({ type, data }) => type === 'CheckpointWritten' && data['kind'] === 'final')).toEqual(bases);
    expect(found).toEqual(where(({ type }) => type !== 'ProblemPosed' && type !== 'LedgerSealed'));
  });

  it('by correlation', async () => {
    const id = the(all.map(({ meta }) => meta['correlation']).find((value) => typeof value === 'string'));
    const own = where(({ meta }) => meta['correlation'] === id);
    expect(await logged('--correlation', id)).toEqual(own);
    expect(await logged('--correlation', id.slice(0, 10))).toEqual(own);
  });

  it('by problem: with every event of its trajectories, in both directions', async () => {
    const problem = textOf(the(all.find(({ type }) => type === 'GenerationProduced')).data, 'problemId');
    const streams = new Set(
      all
        .filter(({ type, data }) => type === 'GenerationProduced' && data['problemId'] === problem)
        .map((e) => e.stream),
    );
    const own = where(({ data, stream }) => data['problemId'] === problem || streams.has(stream));
    expect(own.map(({ type }) => type)).toContain('AttemptMade');
    expect(await logged('--problem', problem.slice(0, 8))).toEqual(own);
    expect(await logged('--problem', problem, '--backwards')).toEqual(own.toReversed());
    const attempts = own.filter(({ type }) => type === 'AttemptMade');
    expect(await logged('--problem', problem, '--type', 'AttemptMade')).toEqual(attempts);
  });

  it('by trajectory and by author', async () => {
    const id = textOf(the(all.find(({ type }) => type === 'AttemptMade')).data, 'trajectoryId');
    expect(await logged('--trajectory', id)).toEqual(where(({ stream }) => stream === `trajectory-${id}`));
    expect(await logged('--trajectory', id.slice(0, 9))).toEqual(await logged('--trajectory', id));
    const scripted = where(({ data }) => data['author'] === 'script');
    expect(await logged('--author', 'script')).toEqual(scripted);
    expect(await logged('--author', 'script', '--trajectory', id)).toEqual(
      scripted.filter(({ stream }) => stream === `trajectory-${id}`),
    );
  });

  it('by time, inclusive at both ends', async () => {
    const [from, to] = [the(all[10]).recordedAt, the(all[60]).recordedAt];
    const found = await logged('--since', from, '--until', to);
    expect(found).toEqual(all.filter(({ recordedAt }) => recordedAt >= from && recordedAt <= to));
    expect(found.length).toBeGreaterThanOrEqual(51);
    expect(await logged('--until', '1999-12-31')).toEqual([]);
    expect(await logged('--since', from.slice(0, 10))).toEqual(all);
  });

  it('by plain text in any text, number or name of the data', async () => {
    const attempt = the(all.find(({ type }) => type === 'AttemptMade'));
    const text = textOf(attempt.data, 'text').trim().slice(0, 25);
    const found = await logged('--grep', text);
    expect(found.map(({ id }) => id)).toContain(attempt.id);
    expect(found.every(({ data }) => JSON.stringify(fieldsOf(data)).includes(JSON.stringify(text).slice(1, -1)))).toBe(
      true,
    );
    expect((await logged('--grep', tinyIteration(1).checkpoint)).length).toBeGreaterThan(1);
    expect((await logged('--grep', 'lossBits')).every(({ type }) => type === 'StepRecorded')).toBe(true);
    expect(await logged('--grep', '.*')).toEqual([]);
  });

  it('refuses what makes no sense', async () => {
    for (const [args, message] of [
      [['--since', 'noon'], '--since: expected a time such as'],
      [['--run', 'nonesuch'], 'There is no run "nonesuch"'],
      [['--follow', '--backwards'], '--follow and --backwards do not go together'],
      [['--follow', '--at', '3'], '--follow and --at do not go together'],
      [['--backwards', '--at', '3'], '--backwards and --at do not go together'],
      [['--after', 'soon'], '--after: expected a whole number'],
    ] as const) {
      const ran = await runCli(['log', ...args, '--ledger', ledger]);
      expect([args, ran.code, ran.stdout]).toEqual([args, 2, '']);
      expect(ran.stderr).toContain(message);
    }
  });
});

describe('log --follow', () => {
  /** Follows a ledger; `then` runs once when it waits, and again after each line it prints. */
  const following = (ledger: string, args: readonly string[], then: (lines: number, kill: () => void) => void) => {
    let lines = 0;
    return runCli(['log', '--json', '--follow', ...args, '--ledger', ledger], {
      during: (child) => {
        const kill = (): void => void child.kill('SIGINT');
        let waits = false;
        child.stderr?.on('data', (text: string) => {
          if (!waits && text.includes('waiting for more')) {
            waits = true;
            then(lines, kill);
          }
        });
        child.stdout?.on('data', (text: string) => {
          for (const character of text) if (character === '\n') lines += 1;
          if (waits) then(lines, kill);
        });
      },
    });
  };

  it('shows what another process appends, and ends with 130 on Ctrl-C', async () => {
    const ledger = tinyLedger(newFolder());
    const [first] = parsed((await runCli(['log', '--json', '--limit', '1', '--ledger', ledger])).stdout);
    const given: Promise<unknown>[] = [];
    const label = (name: string): void => {
      const args = ['label', the(first).id, name, '--by', 'ana', '--json', '--ledger', ledger];
      given.push(runCli(args).then(jsonOf));
    };
    const ran = await following(ledger, ['--after', 'latest'], (lines, kill) => {
      if (lines === 0) label('one');
      if (lines === 1) label('two');
      if (lines === 2) kill();
    });
    expect((await Promise.all(given)).map((each) => textOf(each, 'label'))).toEqual(['one', 'two']);
    expect(ran.code).toBe(130);
    expect(parsed(ran.stdout).map(({ type, data }) => [type, data['label']])).toEqual([
      ['LabelGiven', 'one'],
      ['LabelGiven', 'two'],
    ]);
    expect(ran.stderr).toContain('Stopped: 2 events were listed');
    expect((await runCli(['verify', '--ledger', ledger])).code).toBe(0);
  });

  it('lists what is there first, filters, and ends by itself with --limit', async () => {
    const ledger = tinyLedger(newFolder());
    const args = ['log', '--json', '--type', 'TrainingStarted', '--ledger', ledger];
    const [listed, followed] = [await runCli(args), await runCli([...args, '--follow', '--limit', '3'])];
    expect([followed.code, followed.stdout]).toEqual([0, listed.stdout]);
    const ran = await following(ledger, ['--type', 'RunStarted'], (_, kill) => kill());
    expect([ran.code, parsed(ran.stdout)]).toEqual([130, [expect.objectContaining({ type: 'RunStarted' })]]);
  });
});
