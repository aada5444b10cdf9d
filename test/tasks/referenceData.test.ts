import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importTripost, type ImportedProblem } from '../../src/tasks/importTripost';
import { findTask } from '../../src/tasks/index';
import type { Script, Task } from '../../src/tasks/task';

/** The reference's data files are not part of this repository; these checks run where they lie beside it. */
const folder = join(__dirname, '../../../shared/data');
const describeData = existsSync(folder) ? describe : describe.skip;

const taskOf = (name: string): Task => {
  const found = findTask(name);
  if (!found.ok) throw new Error(found.message);
  return found.task;
};

const rowsOf = (file: string, task: Task): readonly ImportedProblem[] =>
  readFileSync(join(folder, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line, i) => {
      const read = importTripost(line, i + 1, task);
      if (!read.ok) throw new Error(read.message);
      return read.value;
    });

describeData('the reference data in ../shared/data (skipped where it is not there)', () => {
  test.each([
    ['multistep_arithmetic.jsonl', 'multistep-arithmetic', 550],
    ['word_sorting.jsonl', 'word-sorting', 433],
    ['date_understanding.jsonl', 'date-understanding', 191],
    ['logical_deduction.jsonl', 'logical-deduction', 360],
  ])('every row of %s is read, gives its own answer, and lies in a seen cell', (file, name, size) => {
    const task = taskOf(name);
    const rows = rowsOf(file, task);
    expect(rows).toHaveLength(size);
    expect(rows.filter(({ problem, rationale }) => !task.isCorrect(problem, task.answerOf(rationale) ?? ''))).toEqual(
      [],
    );
    expect(rows.filter(({ cell }) => !cell.seen)).toEqual([]);
  });

  describe.each([
    ['multistep_arithmetic.jsonl', 'multistep-arithmetic'],
    ['word_sorting.jsonl', 'word-sorting'],
  ])('%s', (file, name) => {
    const withScript = (): { readonly rows: readonly ImportedProblem[]; readonly script: Script } => {
      const task = taskOf(name);
      if (!task.script) throw new Error(`${name} has no script`);
      return { rows: rowsOf(file, task), script: task.script };
    };

    test('every gold rationale is all correct', () => {
      const { rows, script } = withScript();
      expect(
        rows.filter(({ problem, rationale }) => script.feedback(problem, rationale).verdict !== 'correct'),
      ).toEqual([]);
    });

    test('the gold writer writes every rationale byte for byte', () => {
      const { rows, script } = withScript();
      expect(rows.filter(({ problem, rationale }) => script.gold(problem) !== rationale)).toEqual([]);
    });
  });
});
