import { sha256 } from '../../../events/digest';
import { Split, type ProblemPosed } from '../../../events/problemPosed';
import { importCheckpoint } from '../../run/base';
import { appendProblems, goldTexts, problemIdOf } from '../../run/problems';
import { findTask } from '../../tasks';
import { importTripost } from '../../tasks/importTripost';
import type { Task } from '../../tasks/task';
import { renderPrompt } from '../../tasks/trajectoryText';
import type { Args } from '../args';
import { jsonFlag, ledgerFlag, type Command, type Context } from '../command';
import { withLedger } from '../compose';
import { must, stop, usage } from '../faults';
import { readBytes } from '../inputFile';
import { readStudentFolder } from '../studentFolder';

interface Read {
  readonly set: string;
  readonly problems: readonly ProblemPosed[];
  readonly lines: number;
  readonly duplicates: number;
}

/** Every line as a posed problem; a line that asks what another one asked before is counted, not posed again. */
const readProblems = (path: string, task: Task, split: Split): Read => {
  const bytes = readBytes(path);
  const file = sha256(bytes);
  const set = `${task.name}-${file.slice(0, 12)}${split === 'train' ? '' : `-${split}`}`;
  const bad: string[] = [];
  const problems = new Map<string, ProblemPosed>();
  let count = 0;
  for (const [i, text] of new TextDecoder().decode(bytes).split('\n').entries()) {
    if (text.trim() === '') continue;
    count += 1;
    const line = i + 1;
    const read = importTripost(text, line, task);
    if (!read.ok) {
      bad.push(read.message);
      continue;
    }
    const { problem, rationale, cell } = read.value;
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
      ...goldTexts(task, problem, rationale),
      split,
      cell: cell.name,
      seen: cell.seen,
      source: { kind: 'imported', file, line },
    });
  }
  if (bad.length > 0) return stop({ tag: 'BadLines', path, lines: bad, total: bad.length });
  if (problems.size === 0) return stop({ tag: 'InputUnreadable', path, message: 'the file holds no problems' });
  return { set, problems: [...problems.values()], lines: count, duplicates: count - problems.size };
};

const importProblems = async (path: string, args: Args, context: Context): Promise<void> => {
  const found = findTask(args.need('task'));
  if (!found.ok) return stop({ tag: 'UnknownName', message: `--task: ${found.message}` });
  const { task } = found;
  const split = args.text('split');
  if (!Split.is(split)) return usage('--split: expected train, dev or test');
  const { set, problems, lines, duplicates } = readProblems(path, task, split);
  await withLedger(args, context, 'create', async ({ log }) => {
    const { added, known } = must(await appendProblems(log, set, problems));
    const withoutClosing = problems.filter((problem) => problem.closingFeedback === null).length;
    if (context.json) {
      return context.out.json({
        format: 'tripost',
        task: task.name,
        set,
        split,
        lines,
        problems: problems.length,
        added,
        known,
        duplicates,
      });
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

const importModel = async (folder: string, args: Args, context: Context): Promise<void> => {
  const { files } = readStudentFolder(folder);
  await withLedger(args, context, 'create', async ({ log, blobs }) => {
    const { digest, shape } = must(await importCheckpoint(files, { log, blobs }));
    if (context.json)
      return context.out.json({ format: 'checkpoint', checkpoint: digest, files: [...files.keys()], shape });
    await context.out.line(`checkpoint ${digest}: ${files.size} files`);
  });
};

export const importCommand: Command = {
  name: 'import',
  summary: 'Put problems with gold rationales, or a model folder, on the ledger',
  json: 'object',
  details: [
    'The set of imported problems is named after the task and the digest of the file, so importing a file again adds nothing.',
    'JSON: {format: "tripost", task, set, split, lines, problems, added, known, duplicates},',
    'or {format: "checkpoint", checkpoint, files, shape}.',
  ].join('\n'),
  arguments: [{ name: '<path>', description: 'a JSON Lines file of the reference, or a Hugging Face folder' }],
  flags: [
    {
      flags: '--format <format>',
      description: 'tripost: lines {text, meta_data: {question, rationale, answer}}; checkpoint: a model folder',
      choices: ['tripost', 'checkpoint'],
      fallback: 'tripost',
    },
    { flags: '--task <name>', description: 'the task of the problems' },
    {
      flags: '--split <split>',
      description: 'what the problems are for',
      choices: ['train', 'dev', 'test'],
      fallback: 'train',
    },
    ledgerFlag,
    jsonFlag,
  ],
  examples: [
    'tripost import --format tripost --task word-sorting word_sorting.jsonl',
    'tripost import --format checkpoint ./student --ledger ledger.db',
  ],
  run: async (args, context) => {
    if (args.text('format') === 'checkpoint') {
      if (args.text('task') !== undefined) usage('--task is for --format tripost');
      await importModel(args.at(0), args, context);
    } else await importProblems(args.at(0), args, context);
    return 'ok';
  },
};
