import type { ProblemPosed } from '../../../events/problemPosed';
import { cellScores, metrics, parts } from '../../../projections/scoreboard';
import { evaluate as scoreStudent } from '../../evaluate/evaluate';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, seedFlag, type Command } from '../command';
import { isServed } from '../answering';
import { openRuntime, openStudents, withLedger, type Ledger } from '../compose';
import { openScoring, scoringFlags, type Scoring } from '../scoring';
import type { Students } from '../../train/students';
import { onDevice } from '../cuda/device';
import { must, stop, usage } from '../faults';
import { eventsOf, findProblemSet } from '../find';
import { namedTask, taskOfProblems } from '../namedTask';
import { loadStudent } from '../student';
import { percent, table } from '../tables';

const shares = new Set<string>([
  'accuracy',
  'directlyCorrect',
  'siFrequency',
  'siContribution',
  'siContributionStrict',
  'firstCorrect',
  'feedbackAccuracy',
  'feedbackVerdictAccuracy',
]);

const shown = (metric: string, value: number | null | undefined): string =>
  shares.has(metric) ? percent(value) : String(value ?? '-');

const taskOf = ([first]: readonly ProblemPosed[], named: string | undefined) => {
  const given = named === undefined ? undefined : namedTask(named, '--task');
  const found = taskOfProblems(first?.task ?? '', given);
  return found.ok ? found.task : stop({ tag: 'UnknownName', message: found.message });
};

/** A model of our own, as a scoring wants it. */
const openOwn = async (
  name: string,
  ledger: Ledger,
  students: Students,
  batch: number,
): Promise<Omit<Scoring, 'served' | 'close'> & Partial<Pick<Scoring, 'served' | 'close'>>> => {
  const { digest: checkpoint, shape, weights, tokenizer, kept } = await loadStudent(name, ledger);
  return {
    checkpoint,
    student: students.open({ checkpoint, shape, weights, tokenizer, stopIds: kept?.stopIds, batch }),
  };
};

export const evaluate: Command = {
  name: 'evaluate',
  summary: 'Score a checkpoint on a problem set',
  json: 'object',
  details: [
    'The student answers, judges itself and updates until it stops; its last answer counts. Every item is on the ledger.',
    'A served model (endpoint:<model>) is asked as a student is, or under prompts of its own: few-shot, and few-shot with',
    'self-improvement, with and without the oracle stop. Its calls are on the ledger, and none is made twice.',
    'JSON: {evaluationId, checkpoint, problemSet, problems, reused, scores, cells}; scores has <metric>.<total|seen|unseen>.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    {
      flags: '--checkpoint <checkpoint>',
      description: 'whom to score: a checkpoint (digest, prefix, latest), a model folder, or endpoint:<model>',
    },
    {
      flags: '--problems <set>',
      description: 'on which problem set: its name, the beginning of it, or latest',
      fallback: 'latest',
    },
    {
      flags: '--split <split>',
      description: 'on which part of the set',
      choices: ['train', 'dev', 'test'],
      fallback: 'test',
    },
    { flags: '--task <folder>', description: 'the task of the problems where it is your own: ./my-task' },
    { flags: '--max-tokens <n>', description: 'longest answer of one call', fallback: '512' },
    { flags: '--max-calls <n>', description: 'most calls a problem: the answer and its updates', fallback: '3' },
    { flags: '--temperature <t>', description: '0 is greedy', fallback: '0' },
    { flags: '--batch <n>', description: 'problems decoded at once', fallback: '64' },
    { ...seedFlag, fallback: '1' },
    ...scoringFlags,
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost evaluate --checkpoint latest',
    'tripost evaluate --checkpoint endpoint:gpt-4o-mini --prompting few-shot --max-cost 1',
    'tripost evaluate --checkpoint endpoint:gpt-4o-mini --prompting self-improve-oracle',
    'tripost evaluate --checkpoint ./student --problems word-sorting --max-tokens 128 --json',
  ],
  run: onDevice(async (args, context) => {
    const name = args.need('checkpoint');
    const seed = args.whole('seed') ?? 1;
    const maxTokens = args.whole('maxTokens') ?? 512;
    const maxCalls = args.whole('maxCalls') ?? 3;
    const batch = args.whole('batch') ?? 64;
    const temperature = args.number('temperature') ?? 0;
    if (maxTokens * maxCalls * batch === 0) usage('--max-tokens, --max-calls and --batch are numbers from 1');
    // Says what is wrong with the runtime, before threads load it.
    openRuntime(args);
    const students = openStudents(args)();
    await withLedger(args, context, 'append', async (ledger) => {
      const { log } = ledger;
      const problemSet = await findProblemSet(log, args.need('problems'));
      const split = args.need('split');
      const problems = (await eventsOf(log, 'ProblemPosed'))
        .map((event) => event.data)
        .filter((problem) => problem.set === problemSet && problem.split === split);
      const task =
        problems.length === 0 ? stop({ tag: 'NoProblems', problemSet }) : taskOf(problems, args.text('task'));
      const { checkpoint, ...model } = isServed(name)
        ? await openScoring(name, args, context, ledger, task)
        : await openOwn(name, ledger, students, batch);
      try {
        const { evaluation, reused } = must(
          await scoreStudent(
            problems,
            {
              checkpoint,
              problemSet,
              seed,
              maxCalls,
              sampling: { temperature, topK: null, topP: null, maxTokens },
            },
            {
              log,
              task,
              student: model.student,
              ...(model.served === undefined ? {} : { served: model.served }),
              signal: context.signal,
              onProgress: (done, total) =>
                context.progress.report({ phase: 'evaluate', done, total, unit: 'problems', detail: '' }),
            },
          ),
        );
        context.progress.end();
        const { evaluationId, scores, items } = evaluation;
        const cells = cellScores(items);
        if (context.json) {
          return await context.out.json({
            evaluationId,
            checkpoint,
            problemSet,
            problems: items.length,
            reused,
            scores,
            cells,
          });
        }
        await context.out.line(
          `checkpoint ${checkpoint} on ${items.length} problems of ${problemSet}${reused ? ' (scored before)' : ''}`,
        );
        const rows = metrics.map((metric) => [
          metric,
          ...parts.map((part) => shown(metric, scores[`${metric}.${part}`])),
        ]);
        await context.out.line(table(['metric', ...parts], rows));
        await context.out.line(
          table(
            ['cell', 'seen', 'items', 'accuracy'],
            cells.map((c) => [c.cell, c.seen ? 'yes' : 'no', c.items, percent(c.accuracy)]),
          ),
        );
      } finally {
        await students.release();
        await model.close?.();
      }
    });
    return 'ok';
  }),
};
