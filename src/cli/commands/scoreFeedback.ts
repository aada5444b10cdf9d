import { modelName } from '../../../events/codecs';
import {
  agreementOf,
  modelFeedbacks,
  type Agreement,
  type GivenFeedback,
  type ModelFeedbacks,
  type ScoredFinding,
} from '../../../projections/feedbackAgreement';
import { project, pushTo } from '../../../projections/projection';
import { trajectories } from '../../../projections/trajectories';
import type { Task } from '../../tasks/task';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { allEvents } from '../find';
import { inOrder } from '../inOrder';
import { namedTask, taskOfProblems } from '../namedTask';
import { percent, table } from '../tables';

interface Scored extends GivenFeedback, ScoredFinding {}

const stepOf = ({ verdict, step }: Scored['given']): string => (step === null ? verdict : `${verdict} (${step})`);

const differs = ({ given, script }: Scored): boolean =>
  script.verdict !== 'error' && (given.verdict !== script.verdict || given.step !== script.step);

/** Disagreements that are shown to people; `--json` has all. */
const shown = 10;

type Counts = Record<string, number>;

interface Scores {
  readonly models: readonly ({ readonly task: string; readonly author: string; readonly model: string } & Agreement)[];
  /** By task, author and rule. */
  readonly refused: Readonly<Record<string, Record<string, Counts>>>;
  /** Feedback by task that has no script. */
  readonly withoutScript: Readonly<Counts>;
  readonly different: readonly Scored[];
}

/** Holds feedback against the scripts of its tasks; `own` is the only task wanted, where there is one. */
const scoresOf = ({ given, refused }: ModelFeedbacks, own: Task | undefined): Scores => {
  const isWanted = (task: string): boolean => own === undefined || task === own.name;
  const groups = new Map<string, Scored[]>();
  const withoutScript: Counts = {};
  for (const feedback of given.filter(({ problem }) => isWanted(problem.task))) {
    const { author, model, attempt } = feedback;
    const { task: name, question, options, answer } = feedback.problem;
    const task = taskOfProblems(name, own);
    const script = task.ok ? task.task.script : undefined;
    if (script === undefined) {
      withoutScript[name] = (withoutScript[name] ?? 0) + 1;
      continue;
    }
    const judged = script.feedback({ question, options, answer }, attempt.replace(/^\n/, ''));
    const step = judged.verdict === 'incorrect' ? judged.step : null;
    pushTo(groups, JSON.stringify([name, author, modelName(model)]), {
      ...feedback,
      script: { verdict: judged.verdict, step },
    });
  }
  const models = inOrder(Object.fromEntries(groups)).map(([key, scored]) => {
    const [task = '', author = '', model = '']: readonly string[] = JSON.parse(key);
    return { task, author, model, ...agreementOf(scored) };
  });
  const byRule: Record<string, Record<string, Counts>> = {};
  for (const { task, author, rule } of refused.filter((each) => isWanted(each.task))) {
    const rules = ((byRule[task] ??= {})[author] ??= {});
    rules[rule] = (rules[rule] ?? 0) + 1;
  }
  return { models, refused: byRule, withoutScript, different: [...groups.values()].flat().filter(differs) };
};

const share = (part: number, whole: number): string => percent(whole === 0 ? null : part / whole);

const scoreTable = (models: Scores['models']): string =>
  table(
    ['task', 'author', 'model', 'feedback', 'judged', 'same verdict', 'kappa', 'both incorrect', 'same step'],
    models.map((each) => [
      each.task,
      each.author,
      each.model.slice(0, 24),
      each.feedbacks,
      each.judged,
      share(each.sameVerdict, each.judged),
      each.kappa === null ? '-' : each.kappa.toFixed(2),
      each.bothIncorrect,
      share(each.sameStep, each.bothIncorrect),
    ]),
  );

/** For people: the table, then what was not scored, then the first differences. */
const linesOf = ({ models, refused, withoutScript, different }: Scores): readonly string[] => [
  models.length === 0 ? 'no feedback of a model stands in a trajectory' : scoreTable(models),
  ...inOrder(withoutScript).map(([task, n]) => `${task}: ${n} not scored: it has no script`),
  ...inOrder(refused).flatMap(([task, authors]) =>
    inOrder(authors).flatMap(([author, rules]) =>
      inOrder(rules).map(([rule, n]) => `${task}: ${n} of the ${author} refused as ${rule}`),
    ),
  ),
  ...different
    .slice(0, shown)
    .map(
      ({ eventId, problem, given, script }) =>
        `  ${eventId} at ${problem.problemId}: ${stepOf(given)}, the script: ${stepOf(script)}`,
    ),
  ...(different.length > shown ? [`  and ${different.length - shown} more differences: --json has all`] : []),
];

export const scoreFeedback: Command = {
  name: 'score-feedback',
  summary: "Score the models' feedback on the ledger against the task's script: verdict and first wrong step",
  json: 'object',
  details: [
    "Every feedback of a teacher or student that stands in a trajectory is held against the scripted verifier's on the same",
    'attempt: same verdict, kappa (Cohen 1960), and, where both call it incorrect, the same first wrong step. Feedback that was',
    "refused is counted by rule: a student's stands only where the collection's own verifier agreed with it.",
    'JSON: {models: [{task, author, model, feedbacks, judged, verdicts: {"<given>/<script\'s>": n}, sameVerdict, kappa,',
    'bothIncorrect, sameStep}], refused: {task: {author: {rule: n}}}, withoutScript: {task: n}, differences: [{eventId,',
    'problemId, model, given, script, attempt}]}; judged: attempts that the script could judge.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--task <name>', description: 'only problems of this task; ./my-task: a folder of your own' },
    atFlag,
    jsonFlag,
  ],
  examples: ['tripost score-feedback', 'tripost score-feedback --task date-understanding --json'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const wanted = args.text('task');
      const own = wanted === undefined ? undefined : namedTask(wanted, '--task');
      const log = await readingLog(ledger.log, args, context);
      const found = modelFeedbacks(project(trajectories, await allEvents(log, context.signal)));
      const { different, ...scores } = scoresOf(found, own);
      if (context.json) {
        const differences = different.map(({ eventId, problem, model, given, script, attempt }) => {
          return { eventId, problemId: problem.problemId, model, given, script, attempt };
        });
        await context.out.json({ ...scores, differences });
      } else for (const line of linesOf({ ...scores, different })) await context.out.line(line);
      return 'ok';
    }),
};
