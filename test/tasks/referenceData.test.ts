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

const withScript = (
  file: string,
  name: string,
): { readonly rows: readonly ImportedProblem[]; readonly script: Script } => {
  const task = taskOf(name);
  if (!task.script) throw new Error(`${name} has no script`);
  return { rows: rowsOf(file, task), script: task.script };
};

const dateRefusals = {
  'no-final-response': 1,
  'no-such-date': 1,
  'target-mismatch': 7,
  'unchecked-line': 4,
  'wrong-date': 5,
  'wrong-weekday': 3,
};

const deductionRefusals = {
  contradicts: 54,
  'does-not-follow': 29,
  'repeated-object': 2,
  'unchecked-line': 4,
  'unknown-line': 3,
  'unknown-object': 1,
  'wrong-ends': 11,
  'wrong-length': 15,
  'wrong-pattern': 72,
  'wrong-reading': 1,
};

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
    test('every gold rationale is all correct', () => {
      const { rows, script } = withScript(file, name);
      expect(
        rows.filter(({ problem, rationale }) => script.feedback(problem, rationale).verdict !== 'correct'),
      ).toEqual([]);
    });

    test('the gold writer writes every rationale byte for byte', () => {
      const { rows, script } = withScript(file, name);
      expect(rows.filter(({ problem, rationale }) => script.gold(problem) !== rationale)).toEqual([]);
    });
  });

  describe.each([
    // Every refusal is listed in docs/reference-data.md.
    ['date_understanding.jsonl', 'date-understanding', 170, dateRefusals],
    ['logical_deduction.jsonl', 'logical-deduction', 168, deductionRefusals],
  ] as const)('%s', (file, name, accepted, refusals) => {
    const judged = () => {
      const { rows, script } = withScript(file, name);
      return rows.map(({ problem, rationale }, i) => {
        const verdict = script.feedback(problem, rationale);
        return { line: i + 1, problem, verdict };
      });
    };

    test('FBK accepts as many gold rationales as stated, and refuses the others for the stated reasons', () => {
      const classes: Record<string, number> = {};
      const all = judged();
      for (const { verdict } of all) {
        if (verdict.verdict !== 'correct') classes[verdict.errorClass] = (classes[verdict.errorClass] ?? 0) + 1;
      }
      expect({ accepted: all.filter(({ verdict }) => verdict.verdict === 'correct').length, classes }).toEqual({
        accepted,
        classes: refusals,
      });
    });

    test('docs/reference-data.md names every refused line', () => {
      const docs = readFileSync(join(__dirname, '../../docs/reference-data.md'), 'utf8');
      const section = docs.split(/^## /m).find((text) => text.startsWith(name)) ?? '';
      for (const { line, verdict } of judged()) {
        if (verdict.verdict === 'correct') continue;
        const row = section.split('\n').find((text) => text.startsWith(`| \`${verdict.errorClass}\` |`)) ?? '';
        expect(`${verdict.errorClass}: ${row}`).toMatch(new RegExp(String.raw`\b${line}\b`));
      }
    });

    test('the gold writer answers every problem whose answer key is right', () => {
      const { rows, script } = withScript(file, name);
      const task = taskOf(name);
      for (const { problem } of rows) {
        const first = script.feedback(problem, '');
        if (first.verdict === 'error' && first.errorClass === 'target-mismatch') continue;
        const text = script.gold(problem);
        expect(script.feedback(problem, text)).toMatchObject({ verdict: 'correct' });
        expect(task.isCorrect(problem, task.answerOf(text) ?? '')).toBe(true);
      }
    });
  });
});
