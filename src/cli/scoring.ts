import { digestOf, type Digest } from '../../events/digest';
import type { ModelRef } from '../../events/codecs';
import type { Prompting, ServedScoring } from '../evaluate/servedAnswers';
import type { LanguageModel } from '../ports/languageModel';
import { promptBytes } from '../prompts/promptSet';
import type { Task } from '../tasks/task';
import { openAnswering } from './answering';
import type { Args } from './args';
import type { Context, Flag } from './command';
import { openStudents, type Ledger } from './compose';
import { callFlags } from './endpoint';
import { usage } from './faults';
import { loadPrompts } from './promptFolder';
import { openCalls, putAll } from './teaching';

/** Flags of scoring a served model. `--max-calls` is a problem's there, so the budget has another name. */
export const scoringFlags: readonly Flag[] = [
  {
    flags: '--prompting <how>',
    description: 'few-shot; self-improve: until it finds nothing wrong; self-improve-oracle: until the answer is gold',
    choices: ['few-shot', 'self-improve', 'self-improve-oracle'],
  },
  { flags: '--rounds <n>', description: 'with self-improve: updates, at most', fallback: '5' },
  { flags: '--prompts <folder>', description: 'prompts over the shipped ones (src/prompts/shipped)' },
  {
    flags: '--registered <name>',
    description: 'which registered checkpoint the served model is; default: the one of its name',
  },
  { flags: '--offline', description: 'make no call: only what a ledger has recorded, and refuse what was never asked' },
  { flags: '--calls-from <ledger>', description: 'another ledger file whose recorded calls may be used as well' },
  { flags: '--budget-calls <n>', description: 'stop behind so many attempts at calls of a served model' },
  ...callFlags.filter(({ flags }) => !flags.startsWith('--max-calls')),
];

const stops = { 'few-shot': 'none', 'self-improve': 'self', 'self-improve-oracle': 'oracle' } as const;

const isHow = (how: string): how is keyof typeof stops => Object.hasOwn(stops, how);

/** The digest under which a served model is scored that no checkpoint is registered for: that of its reference. */
const scoredAs = (ref: ModelRef): Digest => (ref.kind === 'checkpoint' ? ref.digest : digestOf(ref));

export interface Scoring {
  readonly student: LanguageModel;
  readonly checkpoint: Digest;
  readonly served: ServedScoring;
  readonly close: () => Promise<void>;
}

const promptingOf = (args: Args, task: Task): Prompting | undefined => {
  const how = args.text('prompting');
  if (how === undefined) return undefined;
  if (!isHow(how)) return usage(`--prompting: there is no ${how}`);
  return { prompts: loadPrompts(task, args.text('prompts')), stop: stops[how], rounds: args.whole('rounds') ?? 5 };
};

/** A served model to score: `endpoint:<model>`. */
export const openScoring = async (
  name: string,
  args: Args,
  context: Context,
  ledger: Ledger,
  task: Task,
): Promise<Scoring> => {
  const prompting = promptingOf(args, task);
  const budget = args.with([], { maxCalls: args.text('budgetCalls') });
  const calls = await openCalls(budget, ledger, context);
  const answering = await openAnswering(name, budget, ledger, calls, { openStudents: openStudents(args), batch: 1 });
  const { answers, student } = answering;
  if (answers === undefined) throw new Error('a served model is asked through a caller');
  if (prompting !== undefined) {
    const { rationale, feedback, improvement } = prompting.prompts;
    await putAll(ledger.blobs, [rationale, feedback, improvement].map(promptBytes));
  }
  return {
    student,
    checkpoint: scoredAs(student.ref),
    served: { caller: answers.caller, ...(prompting === undefined ? {} : { prompting }) },
    close: calls.close,
  };
};
