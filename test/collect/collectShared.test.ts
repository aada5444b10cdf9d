import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import * as fc from 'fast-check';
import type { ProblemPosed } from '../../events/problemPosed';
import { collectShared } from '../../src/collect/collectShared';
import type { CollectError, CollectProgress } from '../../src/collect/collectTrajectories';
import { scriptedEditor } from '../../src/collect/editor';
import type { EventLog } from '../../src/ports/eventLog';
import type { CompletionRequest } from '../../src/ports/languageModel';
import { multistepArithmetic as task } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import { collect, must } from '../support/events';
import {
  collectionId,
  collectWith,
  FakeStudent,
  leavesOf,
  newLog,
  poseSeven,
  script,
  settings,
} from './collectSupport';
import { FakeTime } from './fakeTime';

const leaseSeconds = 60;
const never = new Promise<never>(() => {});
const quiet = new AbortController().signal;
const keyOf = ({ key }: CompletionRequest): string => key.join(' ');

/** What befalls a collector: it dies in its n-th call, or stands still there for so many milliseconds. */
type Fate =
  | { readonly kind: 'lives' }
  | { readonly kind: 'dies'; readonly call: number }
  | { readonly kind: 'sleeps'; readonly call: number; readonly milliseconds: number };

interface Member {
  readonly batch: number;
  readonly milliseconds: number;
  readonly fate: Fate;
}

/** A student whose calls take time, in a process that may stop in the middle of one. */
class SlowStudent extends FakeStudent {
  calls = 0;
  readonly inFlight: string[] = [];

  constructor(
    problems: readonly ProblemPosed[],
    private readonly time: FakeTime,
    private readonly member: Member,
    private readonly process: Process,
  ) {
    super(problems, member.batch);
  }

  override complete(requests: readonly CompletionRequest[]): ReturnType<FakeStudent['complete']> {
    return async () => {
      const { fate, milliseconds } = this.member;
      const call = this.calls++;
      const answer = super.complete(requests);
      if (fate.kind !== 'lives' && call === fate.call) {
        this.inFlight.push(...requests.map(keyOf));
        if (fate.kind === 'dies') this.process.end();
        else await this.process.sleep(fate.milliseconds);
      }
      const answered = await answer();
      await this.time.pause(milliseconds, quiet);
      await this.process.running();
      return answered;
    };
  }
}

/** A process that can stop for a while, or for good: then nothing it waits for comes back. */
class Process {
  private stopped: Promise<void> = Promise.resolve();

  constructor(private readonly time: FakeTime) {}

  running(): Promise<void> {
    return this.stopped;
  }

  end(): void {
    this.stopped = never;
  }

  sleep(milliseconds: number): Promise<void> {
    this.stopped = this.time.pause(milliseconds, quiet);
    return this.stopped;
  }

  /** Nothing of a stopped process gets to the log; what it asks for when it goes on is answered then. */
  log(log: EventLog): EventLog {
    return {
      ...log,
      append: (stream, expected, events) => async () => {
        await this.running();
        return log.append(stream, expected, events)();
      },
    };
  }

  readonly pause: FakeTime['pause'] = async (milliseconds, signal) => {
    await this.time.pause(milliseconds, signal);
    await this.running();
  };
}

const dataLeaves = async (log: EventLog): Promise<readonly string[]> =>
  (await leavesOf(log)).filter((leaf) => !leaf.startsWith('claims-')).sort();

const alone = async (): Promise<{ readonly leaves: readonly string[]; readonly keys: readonly string[] }> => {
  const log = newLog();
  const problems = await poseSeven(log);
  const student = new FakeStudent(problems);
  must(await collectWith(problems, { log, student }));
  return { leaves: await dataLeaves(log), keys: student.asked.map(keyOf).sort() };
};

interface Outcome {
  readonly results: readonly E.Either<CollectError, CollectProgress>[];
  readonly students: readonly SlowStudent[];
  readonly log: EventLog;
}

/** Several collectors on one ledger, until all of them that live are through. */
const together = async (members: readonly Member[], changed: Partial<typeof settings> = {}): Promise<Outcome> => {
  const log = newLog();
  const problems = await poseSeven(log);
  const time = new FakeTime();
  const started = members.map((member, i) => {
    const process = new Process(time);
    const student = new SlowStudent(problems, time, member, process);
    const share = { claimant: `collector-${i}`, now: time.now, pause: process.pause, leaseSeconds };
    const ports = { log: process.log(log), student, editor: scriptedEditor(script), task, signal: quiet, share };
    return { member, student, result: collectShared(problems, { ...settings, ...changed }, ports) };
  });
  const living = started.filter(({ member }) => member.fate.kind !== 'dies');
  const results = await Promise.all(living.map(({ result }) => result));
  return { results, students: started.map(({ student }) => student), log };
};

const lives = { kind: 'lives' } as const;
const member: fc.Arbitrary<Omit<Member, 'fate'>> = fc.record({
  batch: fc.integer({ min: 1, max: 5 }),
  // Some calls take longer than the lease: the claim is kept meanwhile.
  milliseconds: fc.integer({ min: 0, max: 100_000 }),
});
const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constant(lives),
  fc.record({ kind: fc.constant('dies' as const), call: fc.nat(3) }),
  fc.record({
    kind: fc.constant('sleeps' as const),
    call: fc.nat(3),
    milliseconds: fc.integer({ min: 0, max: 200_000 }),
  }),
);
/** At least the first one stays alive, or nobody would end the work. */
const members = fc
  .tuple(member, fc.array(fc.tuple(member, fate), { minLength: 1, maxLength: 3 }))
  .map(([first, rest]): readonly Member[] => [
    { ...first, fate: lives },
    ...rest.map(([one, its]) => ({ ...one, fate: its })),
  ]);

describe('sharing a collection', () => {
  it('makes every call once, and the very trajectories of one process, whoever dies or sleeps in the middle', async () => {
    const single = await alone();
    await fc.assert(
      fc.asyncProperty(members, async (list) => {
        const { results, students, log } = await together(list);
        const asked = students.flatMap((student) => student.asked.map(keyOf));
        const inFlight = new Set(students.flatMap((student) => student.inFlight));
        const twice = asked.filter((key, i) => asked.indexOf(key) !== i);
        expect(twice.filter((key) => !inFlight.has(key))).toEqual([]);
        expect([...new Set(asked)].sort()).toEqual(single.keys);
        expect(await dataLeaves(log)).toEqual(single.leaves);
        for (const result of results) {
          const { done, total, newCalls, reusedCalls, outcomes } = must(result);
          expect([done, total, newCalls + reusedCalls, outcomes]).toEqual([14, 14, 18, { solved: 12, discarded: 2 }]);
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('shares: two of the same speed make half of the calls each', async () => {
    const one = { batch: 1, milliseconds: 1000, fate: lives };
    const { results } = await together([one, one]);
    const made = results.map((result) => must(result).newCalls);
    expect(made.reduce((a, b) => a + b)).toBe(18);
    expect(Math.min(...made)).toBeGreaterThanOrEqual(7);
  });

  it('writes one claim a batch, its end with the next one, and no sign of life where calls are quick', async () => {
    const { log } = await together([{ batch: 7, milliseconds: 1000, fate: lives }]);
    const claims = await collect(log.readStream(`claims-${collectionId}`));
    expect(claims.map(({ type }) => type)).toEqual(['WorkClaimed', 'ClaimEnded', 'WorkClaimed', 'ClaimEnded']);
    expect(claims.every(({ meta }) => meta.correlation === collectionId)).toBe(true);
  });

  it('keeps a claim whose call takes longer than the lease', async () => {
    const slow = { batch: 14, milliseconds: 200_000, fate: lives };
    const quick = { batch: 14, milliseconds: 0, fate: lives };
    const { results, log } = await together([slow, quick]);
    expect(results.map((result) => must(result).newCalls)).toEqual([18, 0]);
    const claims = await collect(log.readStream(`claims-${collectionId}`));
    expect(claims.filter(({ type }) => type === 'WorkClaimed')).toHaveLength(1);
    expect(claims.filter(({ type }) => type === 'ClaimKept').length).toBeGreaterThanOrEqual(2 * 9);
  });

  it('takes over from one that sleeps, which makes no call of that claim when it wakes', async () => {
    const sleeper = { batch: 7, milliseconds: 0, fate: { kind: 'sleeps', call: 0, milliseconds: 500_000 } } as const;
    const { results, students } = await together([{ batch: 7, milliseconds: 0, fate: lives }, sleeper]);
    expect(students[1]?.asked).toHaveLength(7);
    expect(results.map((result) => must(result).newCalls)).toEqual([18, 0]);
  });

  it('gives back what it has claimed when it is stopped or fails, so that others need not wait', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const time = new FakeTime();
    const share = (claimant: string) => ({ claimant, now: time.now, pause: time.pause, leaseSeconds });
    const base = { log, editor: scriptedEditor(script), task };
    const failing = new FakeStudent(problems);
    failing.failAfter = 4;
    const failed = await collectShared(problems, settings, {
      ...base,
      student: failing,
      signal: quiet,
      share: share('failing'),
    });
    expect(failed).toEqual(E.left({ tag: 'ModelUnavailable', message: 'the machine is off' }));
    const stop = new AbortController();
    const stopped = await collectShared(problems, settings, {
      ...base,
      student: new FakeStudent(problems),
      signal: stop.signal,
      share: share('stopped'),
      onProgress: () => stop.abort(),
    });
    expect(stopped).toMatchObject(E.left({ tag: 'Cancelled', done: 3, total: 14 }));
    const last = new FakeStudent(problems);
    const done = must(
      await collectShared(problems, settings, { ...base, student: last, signal: quiet, share: share('last') }),
    );
    expect(done).toMatchObject({ done: 14, newCalls: last.asked.length });
    expect(time.now().steady).toBe(0);
    expect(await dataLeaves(log)).toEqual((await alone()).leaves);
  });

  it('tells a full disk as such, also when it is met while a claim is kept', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const time = new FakeTime();
    const full: EventLog = {
      ...log,
      append: (stream, expected, events) =>
        events.some(({ type }) => type === 'ClaimKept')
          ? TE.left({ tag: 'NoSpace', where: 'memory', message: 'full' })
          : log.append(stream, expected, events),
    };
    const student = new SlowStudent(problems, time, { batch: 3, milliseconds: 90_000, fate: lives }, new Process(time));
    const share = { claimant: 'one', now: time.now, pause: time.pause, leaseSeconds };
    const ports = { log: full, student, editor: scriptedEditor(script), task, signal: quiet, share };
    expect(await collectShared(problems, settings, ports)).toEqual(
      E.left({ tag: 'NoSpace', where: 'memory', message: 'full' }),
    );
  });
});
