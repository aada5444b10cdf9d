import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import type { ProblemPosed } from '../../events/problemPosed';
import { readCall } from '../../src/collect/rollout';
import { attemptsOf, evaluate, type EvaluatePorts, type EvaluateSettings } from '../../src/evaluate/evaluate';
import { multistepArithmetic as task } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import { renderTurn } from '../../src/tasks/trajectoryText';
import { bare, FakeStudent, leavesOf, newLog, poseSeven, script } from '../collect/collectSupport';
import { collect, must } from '../support/events';

const goldOf = (problem: ProblemPosed): string => script.gold(bare(problem));
const spoilt = (problem: ProblemPosed): string => goldOf(problem).replace(/is \S+\.$/, 'is 12345.');
const said = (problem: ProblemPosed, attempt: string): string =>
  renderTurn('feedback', script.feedback(bare(problem), attempt).text, '');
const doubt = renderTurn('feedback', 'In step (1) the part "A" is incorrect. This is because I doubt it.', '');
const updated = (body: string): string => renderTurn('improvement', body, task.hint);

/** Seven students in one: what each problem gets, call by call. */
const texts = (problem: ProblemPosed, at: number): readonly string[] => {
  const [gold, wrong] = [goldOf(problem), spoilt(problem)];
  switch (at) {
    case 0: // right, and knows it
      return [`\n${gold}${said(problem, gold)}`];
    case 1: // wrong, and silent
      return [`\n${wrong}`];
    case 2: // wrong, finds the place, mends it, knows it
      return [`\n${wrong}${said(problem, wrong)}${updated(gold)}`, said(problem, gold)];
    case 3: // nothing that can be read
      return ['\nI do not know.'];
    case 4: // right, doubts it, and spoils it; then noise
      return [`\n${gold}${doubt}${updated(wrong)}`, '\nHm.'];
    case 5: // wrong, and content
      return [`\n${wrong}${said(problem, gold)}`];
    default: // right, doubts it, and does not get to the end of its update
      return [`\n${gold}${doubt}${updated('(1) Then')}`];
  }
};

const settings: EvaluateSettings = {
  checkpoint: sha256('checkpoint'),
  problemSet: 'seven',
  seed: 1,
  sampling: { temperature: 0, topK: null, topP: null, maxTokens: 64 },
  maxCalls: 3,
};

/** The last three count as unseen. */
const setUp = async (ports: Partial<EvaluatePorts> = {}) => {
  const log = newLog();
  const problems = (await poseSeven(log)).map((problem, at) => ({ ...problem, seen: at < 4 }));
  const student = new FakeStudent(problems, 3, texts);
  const scored = (changed: Partial<EvaluateSettings> = {}, more: Partial<EvaluatePorts> = {}) =>
    evaluate(
      problems,
      { ...settings, ...changed },
      { log, student, task, signal: new AbortController().signal, ...ports, ...more },
    );
  return { log, problems, student, scored };
};

describe('an evaluation', () => {
  it('has the scores that one counts by hand', async () => {
    const { scored } = await setUp();
    const { scores } = must(await scored()).evaluation;
    expect(scores).toMatchObject({
      'items.total': 7,
      'accuracy.total': 2 / 7,
      'accuracy.seen': 2 / 4,
      'accuracy.unseen': 0,
      'directlyCorrect.total': 1 / 7,
      'firstCorrect.total': 3 / 7,
      'siFrequency.total': 3 / 7,
      'siContribution.total': 1 / 7,
      'siContributionStrict.total': 1 / 7,
      'wrongToRight.total': 1,
      'rightToWrong.total': 2,
      'rightToWrong.unseen': 2,
      'wrongToWrong.total': 0,
      'rightToRight.total': 0,
      'feedbackJudged.total': 6,
      'feedbackVerdictAccuracy.total': 3 / 6,
      'feedbackAccuracy.total': 3 / 6,
      'feedbackAccuracy.seen': 1,
      'feedbackAccuracy.unseen': 0,
    });
  });

  it('holds every item: what was said, and what each attempt is worth', async () => {
    const { problems, scored, student } = await setUp();
    const { items } = must(await scored()).evaluation;
    expect(items.map(({ problemId, texts: of, cell }) => ({ problemId, of, cell }))).toEqual(
      problems.map((problem, at) => ({ problemId: problem.problemId, of: texts(problem, at), cell: problem.cell })),
    );
    const final = { verdict: 'incorrect', step: 'Final response' };
    const correct = { verdict: 'correct', step: null };
    const [answer, spoiltAnswer] = [(at: number) => problems[at]?.answer, '12345'];
    expect(items.map(({ attempts }) => attempts)).toEqual([
      [{ answer: answer(0), correct: true, own: correct, script: correct }],
      [{ answer: spoiltAnswer, correct: false, own: null, script: final }],
      [
        { answer: spoiltAnswer, correct: false, own: final, script: final },
        { answer: answer(2), correct: true, own: correct, script: correct },
      ],
      [{ answer: null, correct: false, own: null, script: null }],
      [
        { answer: answer(4), correct: true, own: { verdict: 'incorrect', step: '1' }, script: correct },
        { answer: spoiltAnswer, correct: false, own: null, script: final },
      ],
      [{ answer: spoiltAnswer, correct: false, own: correct, script: final }],
      [
        { answer: answer(6), correct: true, own: { verdict: 'incorrect', step: '1' }, script: correct },
        { answer: null, correct: false, own: null, script: null },
      ],
    ]);
    expect(student.asked.every(({ sampling }) => sampling.temperature === 0)).toBe(true);
  });

  it('is made once, for each checkpoint and setting', async () => {
    const { log, scored, student } = await setUp();
    const first = must(await scored());
    expect(first.reused).toBe(false);
    const [asked, before] = [student.asked.length, await leavesOf(log)];
    expect(must(await scored())).toEqual({ evaluation: first.evaluation, reused: true });
    expect([student.asked.length, await leavesOf(log)]).toEqual([asked, before]);
    for (const other of [{ checkpoint: sha256('other') }, { seed: 2 }, { maxCalls: 1 }])
      expect(must(await scored(other)).reused).toBe(false);
    const events = (await collect(log.readAll())).filter(({ type }) => type === 'EvaluationRecorded');
    expect(events).toHaveLength(4);
  });

  it('that allows one call counts the update that it ends with', async () => {
    const { scored } = await setUp();
    const { evaluation } = must(await scored({ maxCalls: 1 }));
    expect(evaluation.items.map((item) => item.texts.length)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(evaluation.scores['accuracy.total']).toBe(2 / 7);
  });

  it('leaves nothing behind when it is cancelled, when the model fails, or without problems', async () => {
    const { log, problems, scored, student } = await setUp();
    const before = await leavesOf(log);
    const stop = new AbortController();
    const cancelled = await scored(
      {},
      { signal: stop.signal, onProgress: (done) => void (done === 6 && stop.abort()) },
    );
    expect(cancelled).toEqual(E.left({ tag: 'Cancelled', done: 6, total: 7 }));
    const broken = new FakeStudent(problems, 3, texts);
    broken.failAfter = 5;
    expect(await scored({}, { student: broken })).toEqual(
      E.left({ tag: 'ModelUnavailable', message: 'the machine is off' }),
    );
    const none = await evaluate([], settings, { log, student, task, signal: stop.signal });
    expect(none).toEqual(E.left({ tag: 'NoProblems', problemSet: 'seven' }));
    expect(await leavesOf(log)).toEqual(before);
    const there = await setUp();
    const undisturbed = must(await there.scored()).evaluation;
    expect(must(await scored()).evaluation).toEqual(undisturbed);
  });
});

describe('the attempts of a text', () => {
  const problem = { question: '((1 + 2) - (3 + 4)) =', options: null, answer: '-4' };
  const gold = script.gold(problem);
  const attempts = (...calls: readonly string[]) =>
    attemptsOf(
      calls.map((text, i) => readCall(i, 'Q', { text, finish: 'eos' })),
      problem,
      task,
    ).map(({ answer, correct }) => [answer, correct]);

  it('end with an update that was begun, readable or not', () => {
    expect(attempts(`\n${gold}`)).toEqual([['-4', true]]);
    expect(attempts(`\n${gold}${doubt}`)).toEqual([['-4', true]]);
    const broken: readonly string[] = [
      updated(''),
      updated('(1) Then'),
      updated('nothing'),
      '\nUpdated Answer: later',
      '\nHm.\nUpdated Answer: ?',
    ];
    for (const end of broken)
      expect(attempts(`\n${gold}${doubt}${end}`)).toEqual([
        ['-4', true],
        [null, false],
      ]);
    expect(attempts(`\n${gold}${doubt}${updated(gold)}`, `${doubt}${updated('(1) Then')}`)).toEqual([
      ['-4', true],
      ['-4', true],
      [null, false],
    ]);
  });

  it('are one without answer where nothing can be read, or nothing was said', () => {
    expect(attempts()).toEqual([[null, false]]);
    expect(attempts('')).toEqual([[null, false]]);
    expect(attempts('\n(1) We')).toEqual([[null, false]]);
  });
});
