import { join } from 'node:path';
import type { ProblemPosed } from '../../events/problemPosed';
import { deriveDataset } from '../../projections/deriveDataset';
import { scriptedEditor } from '../../src/collect/editor';
import { verify } from '../../src/ledger/verify';
import type { EventLog } from '../../src/ports/eventLog';
import { poseSet } from '../../src/run/problems';
import { multistepArithmetic as task } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import { preset } from '../projections/policyFiles';
import { collectingChild, startModelServer, type ChildWork, type Served } from '../support/collectingChild';
import { must } from '../support/events';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';
import { newFolder, openLedger, removeFolders } from '../support/ledgerFile';
import { compiled } from '../support/rawSql';
import { startChild, type Child } from '../support/writingChild';
import { decodedOf } from './decoded';
import { collectWith, FakeStudent, leavesOf, newLog, script, settings as base } from './collectSupport';

jest.setTimeout(180_000);
afterAll(removeFolders);
afterEach(closeAll);

const source = {
  config: { seen: [{ depth: [2], length: 2 }], unseen: [{ depth: [3], length: 2 }] },
  counts: { train: 30, testSeen: 0, testUnseen: 0 },
  seed: 3,
  gold: null,
};
const settings = { ...base, passes: 1 };

const pose = async (log: EventLog): Promise<readonly ProblemPosed[]> =>
  must(await poseSet(log, { ...source, task })).problems;

/** Datasets of one ledger under two policies that look at everything: rows, and a decision for every candidate. */
const digestsOf = async (log: EventLog): Promise<readonly string[]> => {
  const events = await decodedOf(log);
  return (['tripost', 'tripost-no-filter'] as const).flatMap((name) => {
    const { manifest } = deriveDataset(events, preset(name), { seed: 1, scope: {} });
    return [manifest.dataset, manifest.decisions];
  });
};

interface Single {
  readonly digests: readonly string[];
  readonly leaves: readonly string[];
  /** How often each call is made. */
  readonly calls: ReadonlyMap<string, number>;
}

const countOf = (keys: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

const dataLeaves = async (log: EventLog): Promise<readonly string[]> =>
  (await leavesOf(log)).filter((leaf) => !leaf.startsWith('claims-')).sort();

const single = async (): Promise<Single> => {
  const log = newLog();
  const problems = await pose(log);
  const student = new FakeStudent(problems);
  const quick = scriptedEditor(script);
  const taught: string[] = [];
  const editor: typeof quick = {
    ...quick,
    feedback: (...asked) => {
      const [problem, attempt] = asked;
      taught.push(`FBK ${problem.question} | ${attempt}`);
      return quick.feedback(...asked);
    },
    improve: (...asked) => {
      const [problem, attempt] = asked;
      taught.push(`IMP ${problem.question} | ${attempt}`);
      return quick.improve(...asked);
    },
  };
  must(await collectWith(problems, { log, student, editor }, settings));
  const keys = [...student.asked.map(({ key }) => key.join(' ')), ...taught];
  return { digests: await digestsOf(log), leaves: await dataLeaves(log), calls: countOf(keys) };
};

const { dist, env } = compiled(newFolder());

/** Three collectors over one ledger; one of them is killed in the middle of a call of this kind, if any. */
const collectTogether = async (
  ledger: ChildWork['ledger'],
  problems: readonly ProblemPosed[],
  kill: Served['kind'] | undefined,
): Promise<{
  readonly served: readonly Served[];
  readonly lost: Served | undefined;
  readonly said: readonly string[];
}> => {
  const student = new FakeStudent(problems);
  const children: Child[] = [];
  let lost: Served | undefined;
  const server = await startModelServer(student, 3, (request) => {
    const victim = children[0];
    if (kill === undefined || lost !== undefined || request.pid !== victim?.pid || request.kind !== kill) return false;
    // Not at its very first call: it has work behind it, and work before it.
    if (server.served.filter(({ pid, kind }) => pid === request.pid && kind === kill).length < 3) return false;
    lost = request;
    victim.kill();
    return true;
  });
  const work: ChildWork = { ledger, server: server.url, source, settings, ref: student.ref, batch: 2, leaseSeconds: 6 };
  children.push(...[0, 1, 2].map(() => startChild(collectingChild(dist, work), env)));
  try {
    const ended = await Promise.all(children.map((child) => child.ended));
    expect(ended.map(({ signal }) => signal)).toEqual([kill === undefined ? null : 'SIGKILL', null, null]);
    const said = ended.filter(({ signal }) => signal === null).map(({ out }) => out);
    return { served: server.served, lost, said };
  } finally {
    for (const child of children) child.kill();
    await server.stop();
  }
};

/** Every call as often as one process makes it, but for what was in flight at the kill. */
const expectEachOnce = (
  { served, lost, said }: Awaited<ReturnType<typeof collectTogether>>,
  { calls }: Single,
  problems: readonly ProblemPosed[],
): void => {
  const made = countOf(served.flatMap(({ keys }) => keys));
  expect([...made.keys()].sort()).toEqual([...calls.keys()].sort());
  const again = [...made].filter(([key, count]) => count !== calls.get(key)).map(([key]) => key);
  if (lost?.kind === 'student') expect(again).toEqual([...new Set(lost.keys)]);
  // An edit goes onto the ledger as a whole, so what FBK and IMP had said of the trajectories in hand is asked again.
  const inHand = new Set(
    served
      .filter(({ pid, kind }) => pid === lost?.pid && kind === 'teacher')
      .slice(-6)
      .flatMap(({ keys }) => keys),
  );
  if (lost?.kind === 'teacher') expect(again.filter((key) => !inHand.has(key))).toEqual([]);
  if (lost === undefined) expect(again).toEqual([]);
  expect(again.length).toBeLessThanOrEqual(6);
  for (const line of said) {
    const { done, total, newCalls, reusedCalls } = JSON.parse(line);
    expect([done, total]).toEqual([problems.length, problems.length]);
    expect(newCalls).toBeGreaterThan(0);
    expect(newCalls + reusedCalls).toBe([...calls.keys()].filter((key) => !/^(FBK|IMP) /.test(key)).length);
  }
};

describe('several collecting processes on one SQLite ledger', () => {
  it.each([undefined, 'student', 'teacher'] as const)(
    'do every problem once and give the datasets of one process; killed in a call of: %s',
    async (kill) => {
      const path = join(newFolder(), 'ledger.db');
      const first = await openLedger(path);
      const problems = await pose(first);
      await first.close();
      const alone = await single();
      const together = await collectTogether({ sqlite: path }, problems, kill);
      expectEachOnce(together, alone, problems);
      const log = await openLedger(path, 'read');
      expect(await dataLeaves(log)).toEqual(alone.leaves);
      expect(await digestsOf(log)).toEqual(alone.digests);
      expect(await verify(log)).toMatchObject({ ok: true, damaged: 0 });
      expect((await log.checkStorage()).checks.map(({ ok }) => ok)).toEqual([true, true, true, true]);
      await log.close();
    },
  );
});

describe('several collecting processes on one KurrentDB ledger (loopback server)', () => {
  it.each([undefined, 'student'] as const)(
    'do every problem once and give the datasets of one process; killed in a call of: %s',
    async (kill) => {
      const server = await serve();
      const log = await openOn(server);
      const problems = await pose(log);
      const alone = await single();
      const together = await collectTogether({ kurrentdb: server.url }, problems, kill);
      expectEachOnce(together, alone, problems);
      expect(await dataLeaves(log)).toEqual(alone.leaves);
      expect(await digestsOf(log)).toEqual(alone.digests);
      expect(await verify(log, { positions: 'growing' })).toMatchObject({ ok: true, damaged: 0 });
    },
  );
});
