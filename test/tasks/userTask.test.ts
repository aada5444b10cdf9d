import { poseProblems } from '../../src/tasks/pose';
import { userTask, type Judgement, type UserProblem, type UserTask } from '../../src/tasks/userTask';

const problem = (i: number, seen: boolean): UserProblem => ({
  question: `What is ${i} + 1?`,
  options: null,
  answer: String(i + 1),
  rationale: i % 2 === 0 ? `(1) ${i} + 1 = ${i + 1}.\n(Final response) So the answer is ${i + 1}.` : null,
  cell: { name: 'sums', seen },
});

const definition: UserTask = {
  name: 'sums',
  hint: '',
  answer: 'number',
  problems: Array.from({ length: 20 }, (_, i) => problem(i, i < 15)),
  digest: 'd1',
};

const answering = (judgement: Judgement, given: UserTask = definition) => {
  const { script, ...task } = userTask(given, { feedback: () => judgement, improve: () => 'better' });
  if (!script) throw new Error('no script');
  return { task: { ...task, script }, script };
};

const { task, script } = answering({ verdict: 'correct' });
const one = problem(2, true);
const attempt = '(1) 2 + 1 = 4.\n(Final response) So the answer is 4.';

test('problems are drawn from the file, seen and unseen apart, none twice, in an order of the seed', () => {
  const counts = { train: 10, testSeen: 5, testUnseen: 5 };
  const pose = (seed: number, given = task) => poseProblems(given, {}, { seed, counts });
  const posed = pose(1);
  if (!posed.ok) throw new Error(posed.message);
  const { train, testSeen, testUnseen } = posed.problems;
  const questions = [...train, ...testSeen, ...testUnseen].map(({ question }) => question);
  expect(new Set(questions)).toEqual(new Set(definition.problems.map(({ question }) => question)));
  expect(testUnseen.every(({ cell }) => !cell.seen)).toBe(true);
  expect(pose(1)).toEqual(posed);
  expect(pose(2)).not.toEqual(posed);
  expect(pose(1, answering({ verdict: 'correct' }, { ...definition, digest: 'd2' }).task)).not.toEqual(posed);
  expect(poseProblems(task, {}, { seed: 1, counts: { ...counts, train: 11 } })).toEqual({
    ok: false,
    message: 'sums: only 4 of 5 distinct problems for testSeen: the seen cells are too small',
  });
});

test('a half that the file does not have is refused', () => {
  const seen = answering({ verdict: 'correct' }, { ...definition, problems: [problem(1, true)] }).task;
  const counts = { train: 1, testSeen: 0, testUnseen: 1 };
  expect(poseProblems(seen, {}, { seed: 1, counts })).toEqual({
    ok: false,
    message: 'sums: problems.jsonl has no unseen problems',
  });
});

test('a problem has a gold rationale where the file has one', () => {
  expect([2, 3].map((i) => script.hasGold?.(problem(i, true)))).toEqual([true, false]);
  expect(script.gold(one)).toBe(one.rationale);
  expect(() => script.gold(problem(3, true))).toThrow('no rationale');
});

test.each([
  ['number', 'So the answer is 1,200.0.', '1200', true],
  ['number', 'So the answer is twelve.', '12', false],
  ['text', 'So the answer is: red   fox.', 'red fox', true],
  ['choice', 'So the answer is (B).', 'B', true],
  ['choice', 'So the answer is B.', 'B', false],
] as const)('answers as %s: %s', (answer, line, right, correct) => {
  const { task: own } = answering({ verdict: 'correct' }, { ...definition, answer });
  const given = own.answerOf(`(Final response) ${line}`);
  expect(given !== undefined && own.isCorrect({ ...one, answer: right }, given)).toBe(correct);
});

test('findings become feedback in the grammar, and go back to the verifier for an update', () => {
  const found = {
    verdict: 'incorrect',
    step: '1',
    segment: '2 + 1 = 4',
    reason: 'it is 3',
    errorClass: 'sum',
  } as const;
  const { script: own } = answering(found);
  const verdict = own.feedback(one, attempt);
  expect(verdict).toEqual({
    ...found,
    text: 'In step (1) the part "2 + 1 = 4" is incorrect. This is because it is 3.',
  });
  expect(own.improve(one, attempt, verdict)).toBe('better');
  expect(own.improve(one, attempt, script.feedback(one, attempt))).toBeUndefined();
});

test('a finding about a step that is not there, and an attempt without steps, are not verdicts', () => {
  const { script: own } = answering({
    verdict: 'incorrect',
    step: '7',
    segment: 'x',
    reason: 'y',
    errorClass: 'z',
  });
  expect(own.feedback(one, attempt)).toMatchObject({ verdict: 'error', errorClass: 'unknown-step' });
  expect(own.feedback(one, 'dunno')).toMatchObject({ verdict: 'error', errorClass: 'unknown-line' });
});
