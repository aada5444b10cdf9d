import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import * as fc from 'fast-check';
import type { ProblemPosed } from '../../events/problemPosed';
import { trajectoryIdOf } from '../../src/collect/collectTrajectories';
import { scriptedEditor } from '../../src/collect/editor';
import { renderTurn } from '../../src/tasks/trajectoryText';
import { collect, must } from '../support/events';
import {
  answers,
  bare,
  collectionId,
  collectWith,
  failingLog,
  FakeStudent,
  leavesOf,
  newLog,
  poseSeven,
  script,
  slowEditor,
} from './collectSupport';

const generated = (leaves: readonly string[]): number =>
  leaves.filter((leaf) => leaf.includes(' GenerationProduced ')).length;
const closed = (leaves: readonly string[]): number =>
  leaves.filter((leaf) => leaf.includes(' TrajectoryClosed ')).length;

const whole = async (): Promise<{
  readonly problems: readonly ProblemPosed[];
  readonly leaves: readonly string[];
  readonly asked: number;
}> => {
  const log = newLog();
  const problems = await poseSeven(log);
  const student = new FakeStudent(problems);
  must(await collectWith(problems, { log, student }));
  return { problems, leaves: await leavesOf(log), asked: student.asked.length };
};

describe('collecting', () => {
  it('writes one trajectory for each problem and pass, and counts what it did', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const student = new FakeStudent(problems);
    const seen: number[] = [];
    const progress = must(await collectWith(problems, { log, student, onProgress: ({ done }) => seen.push(done) }));
    // Two of seven answer in two calls.
    expect(student.asked).toHaveLength(2 * (7 + 2));
    expect(progress).toEqual({
      done: 14,
      total: 14,
      newCalls: 18,
      reusedCalls: 0,
      outcomes: { solved: 12, discarded: 2 },
    });
    expect(seen).toEqual([3, 6, 9, 12, 14]);
    for (const pass of [0, 1]) {
      for (const { problemId } of problems) {
        const stream = `trajectory-${trajectoryIdOf(collectionId, pass, problemId)}`;
        const events = await collect(log.readStream(stream));
        expect(events.at(-1)?.type).toBe('TrajectoryClosed');
        expect(events.every(({ meta }) => meta.correlation === collectionId)).toBe(true);
      }
    }
  });

  it('asks again with an update as the answer, each call with its own draws, and keeps exactly what came back', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const student = new FakeStudent(problems);
    must(await collectWith(problems, { log, student }, { passes: 1 }));
    const problem = problems[2];
    if (problem === undefined) throw new Error('seven problems');
    const stream = `trajectory-${trajectoryIdOf(collectionId, 0, problem.problemId)}`;
    const events = await collect(log.readStream(stream));
    const mended = script.gold(bare(problem));
    expect(events.map(({ type }) => type)).toEqual([
      'GenerationProduced',
      'GenerationProduced',
      'AttemptMade',
      'AnswerVerified',
      'FeedbackGiven',
      'ImprovementProduced',
      'AnswerVerified',
      'FeedbackGiven',
      'TrajectoryClosed',
    ]);
    const texts = answers(problem, 2);
    const key = [5, 'attempt', 1, 0, problem.problemId, 'call'];
    expect(events[0]?.data).toMatchObject({
      call: 0,
      prompt: problem.prompt,
      text: texts[0],
      seedKey: [...key, 0],
      model: student.ref,
      tokenIds: [1, 2, 3],
      logprobs: [-0.5, -0.25, -1],
    });
    expect(events[1]?.data).toMatchObject({
      call: 1,
      prompt: `${problem.prompt}${renderTurn('attempt', mended, '')}`,
      text: texts[1],
      seedKey: [...key, 1],
    });
    const made = student.asked.filter(({ key: asked }) => asked[4] === problem.problemId);
    expect(made.map(({ key: asked }) => asked)).toEqual([
      [...key, 0],
      [...key, 1],
    ]);
  });

  it('has one order whatever the order in which FBK and IMP answer', async () => {
    const { leaves } = await whole();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 4 }), { minLength: 5, maxLength: 20 }), async (delays) => {
        const log = newLog();
        const problems = await poseSeven(log);
        let at = 0;
        const editor = slowEditor(() => delays[at++ % delays.length] ?? 0);
        must(await collectWith(problems, { log, student: new FakeStudent(problems), editor }));
        expect(await leavesOf(log)).toEqual(leaves);
      }),
      { numRuns: 6 },
    );
  });

  it('does not ask FBK about a right answer, nor about no answer, when the answer alone decides', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const judged: string[] = [];
    const quick = scriptedEditor(script);
    const editor = {
      ...quick,
      feedback: (...asked: Parameters<typeof quick.feedback>) => {
        const [, attempt] = asked;
        judged.push(attempt);
        return quick.feedback(...asked);
      },
    };
    const wrong = (problem: ProblemPosed): string => script.gold(bare(problem)).replace(/is \S+\.$/, 'is 12345.');
    const texts = (problem: ProblemPosed, at: number): readonly string[] =>
      at === 0 ? [`\n${wrong(problem)}`] : answers(problem, at);
    const student = new FakeStudent(problems, 3, texts);
    must(await collectWith(problems, { log, student, editor }, { rightAnswer: 'answer-match', passes: 1 }));
    expect(judged).toEqual(problems.slice(0, 1).map(wrong));
  });
});

describe('collecting after an interruption', () => {
  it('ends as if nothing had happened, and makes no call twice: the model fails', async () => {
    const { leaves, asked } = await whole();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: asked - 1 }), async (calls) => {
        const log = newLog();
        const problems = await poseSeven(log);
        const first = new FakeStudent(problems);
        first.failAfter = calls;
        const failed = await collectWith(problems, { log, student: first });
        expect(failed).toEqual(E.left({ tag: 'ModelUnavailable', message: 'the machine is off' }));
        const second = new FakeStudent(problems);
        const progress = must(await collectWith(problems, { log, student: second }));
        expect(await leavesOf(log)).toEqual(leaves);
        expect(first.asked.length + second.asked.length).toBe(asked);
        expect(progress).toMatchObject({ newCalls: second.asked.length, reusedCalls: first.asked.length });
      }),
      { numRuns: asked },
    );
  });

  it('ends as if nothing had happened: the log refuses from some append on', async () => {
    const { leaves, asked } = await whole();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 31 }), async (appends) => {
        const log = newLog();
        const problems = await poseSeven(log);
        const first = new FakeStudent(problems);
        const failed = await collectWith(problems, { log: failingLog(log, appends), student: first });
        expect(failed).toEqual(E.left({ tag: 'NoSpace', where: 'memory', message: 'full' }));
        const stored = await leavesOf(log);
        const second = new FakeStudent(problems);
        const progress = must(await collectWith(problems, { log, student: second }));
        expect(await leavesOf(log)).toEqual(leaves);
        expect(second.asked.length).toBe(asked - generated(stored));
        expect(progress.reusedCalls).toBe(generated(stored));
      }),
      { numRuns: 32 },
    );
  });

  it.each([
    [1, E.left({ tag: 'Cancelled', done: 3, total: 14 })],
    [2, E.left({ tag: 'Cancelled', done: 6, total: 14 })],
    [5, E.right(expect.objectContaining({ done: 14 }))],
  ])('stops between batches when it is cancelled after batch %i', async (batches, expected) => {
    const { leaves } = await whole();
    const log = newLog();
    const problems = await poseSeven(log);
    const student = new FakeStudent(problems);
    const stop = new AbortController();
    let left = batches;
    const onProgress = (): void => void (--left === 0 && stop.abort());
    const result = await collectWith(problems, { log, student, signal: stop.signal, onProgress });
    expect(result).toEqual(expected);
    expect(closed(await leavesOf(log))).toBe(Math.min(14, 3 * batches));
    must(await collectWith(problems, { log, student: new FakeStudent(problems) }));
    expect(await leavesOf(log)).toEqual(leaves);
  });

  it('leaves nothing to do for a second collection', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    must(await collectWith(problems, { log, student: new FakeStudent(problems) }));
    const before = await leavesOf(log);
    const student = new FakeStudent(problems);
    const progress = must(await collectWith(problems, { log, student }));
    expect(student.asked).toEqual([]);
    expect(progress).toEqual({
      done: 14,
      total: 14,
      newCalls: 0,
      reusedCalls: 18,
      outcomes: { solved: 12, discarded: 2 },
    });
    expect(await leavesOf(log)).toEqual(before);
  });

  it('has stored what was edited before FBK failed, and goes on from there', async () => {
    const { leaves } = await whole();
    const log = newLog();
    const problems = await poseSeven(log);
    const quick = scriptedEditor(script);
    const broken = problems[1]?.question;
    const editor = {
      ...quick,
      feedback: (...asked: Parameters<typeof quick.feedback>) =>
        asked[0].question === broken
          ? TE.left({ tag: 'ModelUnavailable', message: 'no teacher' } as const)
          : quick.feedback(...asked),
    };
    const failed = await collectWith(problems, { log, student: new FakeStudent(problems), editor });
    expect(failed).toEqual(E.left({ tag: 'ModelUnavailable', message: 'no teacher' }));
    const stored = await leavesOf(log);
    expect([generated(stored), closed(stored)]).toEqual([4, 1]);
    must(await collectWith(problems, { log, student: new FakeStudent(problems) }));
    expect(await leavesOf(log)).toEqual(leaves);
  });
});

describe('a prompt that is too long', () => {
  class ShortSighted extends FakeStudent {
    constructor(
      problems: readonly ProblemPosed[],
      private readonly limit: number,
    ) {
      super(problems);
    }

    override complete(requests: Parameters<FakeStudent['complete']>[0]): ReturnType<FakeStudent['complete']> {
      const texts = requests.map(({ prompt }) => (typeof prompt === 'string' ? prompt : ''));
      const long = texts.find((prompt) => prompt.length > this.limit);
      if (long === undefined) return super.complete(requests);
      return TE.left({ tag: 'PromptTooLong', tokens: long.length, limit: this.limit, prompt: long });
    }
  }

  it('fails where the problem itself is', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const result = await collectWith(problems, { log, student: new ShortSighted(problems, 10) });
    expect(result).toMatchObject(E.left({ tag: 'PromptTooLong', prompt: problems[0]?.prompt, limit: 10 }));
  });

  it('ends the answer where an update leaves no room to judge it, and FBK takes over', async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const limit = Math.max(...problems.map(({ prompt }) => prompt.length));
    const student = new ShortSighted(problems, limit);
    const progress = must(await collectWith(problems, { log, student }, { passes: 1 }));
    expect(progress).toMatchObject({ newCalls: 7, outcomes: { solved: 6, discarded: 1 } });
    const stream = `trajectory-${trajectoryIdOf(collectionId, 0, problems[2]?.problemId ?? '')}`;
    const events = await collect(log.readStream(stream));
    const given = events.filter(({ type }) => type === 'FeedbackGiven').map(({ data }) => data);
    expect(given).toMatchObject([{ author: 'student' }, { author: 'script', verdict: 'correct' }]);
  });
});
