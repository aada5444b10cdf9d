import type { ProblemPosed } from '../../../events/problemPosed';
import { findTask } from '../../tasks';
import type { Task } from '../../tasks/task';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { readingLog } from '../at';
import { withLedger } from '../compose';
import { stop } from '../faults';
import { eventsOf, findProblemSet } from '../find';

interface Refused {
  readonly problemId: string;
  readonly reason: string;
}

/** Why a gold rationale is not accepted, or undefined. Its steps are checked where the task has a script. */
const reasonAgainst = (problem: ProblemPosed, rationale: string, task: Task): string | undefined => {
  const { question, options, answer } = problem;
  const bare = { question, options, answer };
  const attempt = rationale.replace(/^\n/, '');
  const given = task.answerOf(attempt);
  if (given === undefined) return 'the last line gives no answer';
  if (!task.isCorrect(bare, given)) return `the answer is ${JSON.stringify(given)}, expected ${JSON.stringify(answer)}`;
  const verdict = task.script?.feedback(bare, attempt);
  if (verdict === undefined || verdict.verdict === 'correct') return undefined;
  if (verdict.verdict === 'error') return `unreadable: ${verdict.reason}`;
  return `step (${verdict.step}), ${JSON.stringify(verdict.segment)}: ${verdict.reason}`;
};

interface ByTask {
  checked: number;
  accepted: number;
  readonly method: 'steps and answer' | 'answer only';
}

export const checkGold: Command = {
  name: 'check-gold',
  summary: 'Check every gold rationale on the ledger with the task: its steps and its answer',
  json: 'object',
  details: [
    'A task with a script checks every step and the answer; one without, the answer only (byTask says which).',
    'JSON: {checked, accepted, refused: [{problemId, reason}], withoutRationale, byTask: {name: {checked, accepted, method}}}.',
    'Ends with the exit code of refused checks when a rationale is refused.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--task <name>', description: 'only problems of this task' },
    { flags: '--problems <set>', description: 'only problems of this set' },
    atFlag,
    jsonFlag,
  ],
  examples: ['tripost check-gold --ledger ledger.db', 'tripost check-gold --task word-sorting --json'],
  run: (args, context) =>
    withLedger(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const wanted = args.text('task');
      if (wanted !== undefined) {
        const found = findTask(wanted);
        if (!found.ok) stop({ tag: 'UnknownName', message: `--task: ${found.message}` });
      }
      const named = args.text('problems');
      const set = named === undefined ? undefined : await findProblemSet(log, named);
      const posed = (await eventsOf(log, 'ProblemPosed'))
        .map((event) => event.data)
        .filter((data) => (wanted === undefined || data.task === wanted) && (set === undefined || data.set === set));
      const refused: Refused[] = [];
      const byTask: Record<string, ByTask> = {};
      let withoutRationale = 0;
      for (const problem of posed) {
        if (context.signal.aborted) stop({ tag: 'Stopped', what: 'not all rationales were checked' });
        if (problem.rationale === null) {
          withoutRationale += 1;
          continue;
        }
        const found = findTask(problem.task);
        const method = found.ok && found.task.script !== undefined ? 'steps and answer' : 'answer only';
        const count = (byTask[problem.task] ??= { checked: 0, accepted: 0, method });
        count.checked += 1;
        const reason = found.ok ? reasonAgainst(problem, problem.rationale, found.task) : found.message;
        if (reason === undefined) count.accepted += 1;
        else refused.push({ problemId: problem.problemId, reason });
      }
      const counts = Object.values(byTask);
      const checked = counts.reduce((sum, each) => sum + each.checked, 0);
      const accepted = checked - refused.length;
      if (context.json) await context.out.json({ checked, accepted, refused, withoutRationale, byTask });
      else {
        for (const [task, each] of Object.entries(byTask)) {
          await context.out.line(`${task}: ${each.accepted} of ${each.checked} accepted (${each.method})`);
        }
        if (withoutRationale > 0) await context.out.line(`${withoutRationale} problems have no rationale`);
        await context.out.line(`${checked} checked, ${accepted} accepted, ${refused.length} refused`);
        for (const { problemId, reason } of refused) await context.out.line(`  ${problemId}: ${reason}`);
      }
      return refused.length > 0 ? 'refused' : 'ok';
    }),
};
