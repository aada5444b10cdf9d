import { findTask, tasks } from '../../src/tasks/index';
import { poseProblems } from '../../src/tasks/pose';
import type { GeneratedProblem, Task } from '../../src/tasks/task';

const task = (name: string): Task => {
  const found = findTask(name);
  if (!found.ok) throw new Error(found.message);
  return found.task;
};

test('the registry holds the five tasks under their names', () => {
  expect([...tasks].map(([name, { name: own }]) => [name, own])).toEqual(
    ['multistep-arithmetic', 'word-sorting', 'date-understanding', 'logical-deduction', 'list-functions'].map(
      (name) => [name, name],
    ),
  );
});

test('a name nearly right is answered with a suggestion', () => {
  const list =
    'The tasks are multistep-arithmetic, word-sorting, date-understanding, logical-deduction, list-functions.';
  expect(findTask('word_sortng')).toEqual({
    ok: false,
    message: `There is no task "word_sortng". Did you mean "word-sorting"? ${list}`,
  });
  expect(findTask('gsm8k')).toEqual({ ok: false, message: `There is no task "gsm8k". ${list}` });
});

test('a space too small is refused with the number found', () => {
  const config = { operands: { from: 0, to: 1 }, operators: ['+'], seen: [{ depth: [2], length: 1 }] };
  const pose = (train: number) =>
    poseProblems(task('multistep-arithmetic'), config, { seed: 1, counts: { train, testSeen: 1, testUnseen: 0 } });
  expect(pose(3).ok).toBe(true);
  expect(pose(4)).toEqual({
    ok: false,
    message: 'multistep-arithmetic: only 0 of 1 distinct problems for testSeen: the seen cells are too small',
  });
});

test('lists that cannot be drawn are refused', () => {
  const config = { alphabet: 'ab', wordLength: { from: 1, to: 4 }, seen: [14], unseen: [1] };
  const posed = poseProblems(task('word-sorting'), config, {
    seed: 1,
    counts: { train: 1, testSeen: 0, testUnseen: 0 },
  });
  expect(posed).toMatchObject({ ok: false, message: expect.stringMatching(/found only \d+ of 14 words/) });
});

test('a wrong configuration and a task without script are refused', () => {
  const counts = { train: 1, testSeen: 1, testUnseen: 1 };
  expect(poseProblems(task('word-sorting'), { words: 3 }, { seed: 1, counts })).toMatchObject({ ok: false });
  const { script: _, ...unscripted } = task('word-sorting');
  expect(poseProblems({ ...unscripted, name: 'riddles' }, {}, { seed: 1, counts })).toEqual({
    ok: false,
    message: 'riddles has no script to pose problems; import them instead',
  });
});

test('the words of a list in another order are the same problem', () => {
  const config = { alphabet: 'abc', wordLength: { from: 1, to: 1 }, seen: [2] };
  const pose = (train: number) =>
    poseProblems(
      task('word-sorting'),
      { ...config, unseen: [3] },
      { seed: 1, counts: { train, testSeen: 0, testUnseen: 1 } },
    );
  expect(pose(3).ok).toBe(true);
  expect(pose(4).ok).toBe(false);
});

test('growing one split leaves the others as they were where they draw from other cells', () => {
  const pose = (train: number) =>
    poseProblems(task('multistep-arithmetic'), {}, { seed: 5, counts: { train, testSeen: 0, testUnseen: 10 } });
  const [small, large] = [pose(10), pose(20)];
  if (!small.ok || !large.ok) throw new Error('not posed');
  expect(large.problems.train.slice(0, 10)).toEqual(small.problems.train);
  expect(large.problems.testUnseen).toEqual(small.problems.testUnseen);
});

test.each(['logical-deduction', 'date-understanding'])('no two splits of %s share a paragraph', (name) => {
  const one = task(name);
  const counts = { train: 200, testSeen: 100, testUnseen: 20 };
  const posed = poseProblems(one, name === 'logical-deduction' ? { seen: [3], unseen: [4] } : {}, { seed: 3, counts });
  if (!posed.ok) throw new Error(posed.message);
  const { train, testSeen, testUnseen } = posed.problems;
  const sentences = ({ question }: GeneratedProblem): string =>
    question
      .replace(/ What is the date .*$/, '')
      .split('. ')
      .sort()
      .join('. ');
  const all = [...train, ...testSeen, ...testUnseen].map(sentences);
  expect(all).toHaveLength(320);
  expect(new Set(all).size).toBe(320);
});
