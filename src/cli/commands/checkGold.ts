import type { ProblemPosed } from '../../../events/problemPosed';
import type { Task } from '../../tasks/task';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { readingLog } from '../at';
import { withLedger } from '../compose';
import { stop } from '../faults';
import { eventsOf, findProblemSet } from '../find';
import { inOrder } from '../inOrder';
import { namedTask, taskOfProblems } from '../namedTask';

/** Why a rationale is refused: `class` is the verifier's error class, `unchecked-line` where a line could not be checked. */
interface Against {
  readonly class: string;
  readonly reason: string;
}

interface Refused extends Against {
  readonly problemId: string;
  /** Of the imported file, or null. */
  readonly line: number | null;
}

/** Why a gold rationale is not accepted, or undefined. Its steps are checked where the task has a script. */
const reasonAgainst = (problem: ProblemPosed, rationale: string, task: Task): Against | undefined => {
  const { question, options, answer } = problem;
  const bare = { question, options, answer };
  const attempt = rationale.replace(/^\n/, '');
  const given = task.answerOf(attempt);
  if (given === undefined) return { class: 'no-answer', reason: 'the last line gives no answer' };
  if (!task.isCorrect(bare, given)) {
    const reason = `the answer is ${JSON.stringify(given)}, expected ${JSON.stringify(answer)}`;
    return { class: 'other-answer', reason };
  }
  const verdict = task.script?.feedback(bare, attempt);
  if (verdict === undefined || verdict.verdict === 'correct') return undefined;
  const { errorClass, reason } = verdict;
  if (verdict.verdict === 'error') return { class: errorClass, reason: `not judged: ${reason}` };
  return { class: errorClass, reason: `step (${verdict.step}), ${JSON.stringify(verdict.segment)}: ${reason}` };
};

interface ByTask {
  checked: number;
  accepted: number;
  readonly method: 'steps and answer' | 'answer only';
  /** Refusals by error class. */
  readonly classes: Record<string, number>;
}

export const checkGold: Command = {
  name: 'check-gold',
  summary: 'Check every gold rationale on the ledger with the task: its steps and its answer',
  json: 'object',
  details: [
    'A task with a script checks every step and the answer; one without, the answer only (byTask says which).',
    'A rationale with a line that cannot be checked is refused as unchecked-line, never accepted.',
    'JSON: {checked, accepted, refused: [{problemId, line, class, reason}], withoutRationale,',
    'byTask: {name: {checked, accepted, method, classes: {class: count}}}}; line: of the imported file, or null.',
    'Ends with the exit code of refused checks when a rationale is refused.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--task <name>', description: 'only problems of this task; ./my-task: a folder of your own' },
    { flags: '--problems <set>', description: 'only problems of this set' },
    atFlag,
    jsonFlag,
  ],
  examples: ['tripost check-gold --ledger ledger.db', 'tripost check-gold --task word-sorting --json'],
  run: (args, context) =>
    withLedger(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const wanted = args.text('task');
      const own = wanted === undefined ? undefined : namedTask(wanted, '--task');
      const named = args.text('problems');
      const set = named === undefined ? undefined : await findProblemSet(log, named);
      const posed = (await eventsOf(log, 'ProblemPosed'))
        .map((event) => event.data)
        .filter((data) => (own === undefined || data.task === own.name) && (set === undefined || data.set === set));
      const refused: Refused[] = [];
      const byTask: Record<string, ByTask> = {};
      let withoutRationale = 0;
      for (const problem of posed) {
        if (context.signal.aborted) stop({ tag: 'Stopped', what: 'not all rationales were checked' });
        if (problem.rationale === null) {
          withoutRationale += 1;
          continue;
        }
        const found = taskOfProblems(problem.task, own);
        const method = found.ok && found.task.script !== undefined ? 'steps and answer' : 'answer only';
        const count = (byTask[problem.task] ??= { checked: 0, accepted: 0, method, classes: {} });
        count.checked += 1;
        const against = found.ok
          ? reasonAgainst(problem, problem.rationale, found.task)
          : { class: 'unknown-task', reason: found.message };
        if (against === undefined) count.accepted += 1;
        else {
          const { problemId, source } = problem;
          refused.push({ problemId, line: source.kind === 'imported' ? source.line : null, ...against });
          count.classes[against.class] = (count.classes[against.class] ?? 0) + 1;
        }
      }
      const counts = Object.values(byTask);
      const checked = counts.reduce((sum, each) => sum + each.checked, 0);
      const accepted = checked - refused.length;
      if (context.json) await context.out.json({ checked, accepted, refused, withoutRationale, byTask });
      else {
        for (const [task, each] of Object.entries(byTask)) {
          const rate = ((100 * each.accepted) / Math.max(1, each.checked)).toFixed(1);
          await context.out.line(`${task}: ${each.accepted} of ${each.checked} accepted, ${rate} % (${each.method})`);
          for (const [name, n] of inOrder(each.classes)) await context.out.line(`  refused ${n} as ${name}`);
        }
        if (withoutRationale > 0) await context.out.line(`${withoutRationale} problems have no rationale`);
        await context.out.line(`${checked} checked, ${accepted} accepted, ${refused.length} refused`);
        for (const { problemId, line, class: name, reason } of refused) {
          await context.out.line(`  ${problemId}${line === null ? '' : ` (line ${line})`}: ${name}: ${reason}`);
        }
      }
      return refused.length > 0 ? 'refused' : 'ok';
    }),
};
