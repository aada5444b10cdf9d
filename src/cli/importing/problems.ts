import { sha256 } from '../../../events/digest';
import { Split, type ProblemPosed } from '../../../events/problemPosed';
import { appendProblems, goldTexts, problemIdOf } from '../../run/problems';
import { importBigBench } from '../../tasks/importBigBench';
import { importTripost } from '../../tasks/importTripost';
import type { Cell, Problem, Task } from '../../tasks/task';
import { renderPrompt } from '../../tasks/trajectoryText';
import type { Args } from '../args';
import type { Context } from '../command';
import { withLedger } from '../compose';
import { must, stop, usage } from '../faults';
import { readBytes, utf8 } from '../inputFile';
import { namedTask } from '../namedTask';

/** A problem as a file has it; `line` is the line of JSON Lines, or the number of a BIG-bench example. */
interface Found {
  readonly problem: Problem;
  readonly rationale: string | null;
  readonly cell: Cell;
  readonly line: number;
}

interface Read {
  readonly set: string;
  readonly problems: readonly ProblemPosed[];
  readonly lines: number;
  readonly duplicates: number;
}

const bad = (path: string, lines: readonly string[]): never =>
  stop({ tag: 'BadLines', path, lines, total: lines.length });

/** Every line of the reference's JSON Lines. */
const tripostLines = (path: string, text: string, task: Task): readonly Found[] => {
  const refused: string[] = [];
  const found: Found[] = [];
  for (const [i, json] of text.split('\n').entries()) {
    if (json.trim() === '') continue;
    const line = i + 1;
    const read = importTripost(json, line, task);
    if (read.ok) found.push({ ...read.value, line });
    else refused.push(read.message);
  }
  return refused.length > 0 ? bad(path, refused) : found;
};

const bigBenchExamples = (path: string, text: string, task: Task): readonly Found[] => {
  const read = importBigBench(text, task);
  return read.ok
    ? read.problems.map(({ problem, cell, example }) => ({ problem, cell, rationale: null, line: example }))
    : bad(path, read.messages);
};

export const problemReaders = { tripost: tripostLines, 'big-bench': bigBenchExamples } as const;

/** Every problem of a file as it is posed; one that asks what another one asked before is counted, not posed again. */
const readProblems = (path: string, task: Task, split: Split, format: keyof typeof problemReaders): Read => {
  const bytes = readBytes(path);
  const file = sha256(bytes);
  const set = `${task.name}-${file.slice(0, 12)}${split === 'train' ? '' : `-${split}`}`;
  const found = problemReaders[format](path, utf8(path, bytes), task);
  const problems = new Map<string, ProblemPosed>();
  for (const { problem, rationale, cell, line } of found) {
    const problemId = problemIdOf(task.name, problem);
    if (problems.has(problemId)) continue;
    const { question, options, answer } = problem;
    problems.set(problemId, {
      problemId,
      set,
      task: task.name,
      question,
      options,
      prompt: renderPrompt(problem, task),
      answer,
      ...(rationale === null ? { rationale: null, closingFeedback: null } : goldTexts(task, problem, rationale)),
      split,
      cell: cell.name,
      seen: cell.seen,
      source: { kind: 'imported', file, line },
    });
  }
  if (problems.size === 0) return stop({ tag: 'InputUnreadable', path, message: 'the file holds no problems' });
  return { set, problems: [...problems.values()], lines: found.length, duplicates: found.length - problems.size };
};

/** The task that --task names. */
export const taskOf = (args: Args): Task => namedTask(args.need('task'), '--task');

/** Poses the problems of a file, under a set that is named after task and file. */
export const importProblems = async (
  path: string,
  args: Args,
  context: Context,
  format: keyof typeof problemReaders,
): Promise<void> => {
  const task = taskOf(args);
  const split = args.text('split') ?? 'train';
  if (!Split.is(split)) return usage('--split: expected train, dev or test');
  const { set, problems, lines, duplicates } = readProblems(path, task, split, format);
  await withLedger(args, context, 'create', async ({ log }) => {
    const { added, known } = must(await appendProblems(log, set, problems));
    const withoutClosing = problems.filter((one) => one.rationale !== null && one.closingFeedback === null).length;
    if (context.json) {
      const counts = { lines, problems: problems.length, added, known, duplicates };
      return context.out.json({ format, task: task.name, set, split, ...counts });
    }
    await context.out.line(
      `${problems.length} problems of ${task.name} in set ${set}: ${added} added, ${known} there already`,
    );
    if (duplicates > 0) await context.out.line(`${duplicates} lines repeat the question of an earlier line`);
    if (withoutClosing > 0) {
      const why =
        task.script === undefined ? 'the task has no script to check them' : 'the task does not accept their steps';
      await context.out.line(`${withoutClosing} rationales have no closing feedback: ${why}`);
    }
  });
};
