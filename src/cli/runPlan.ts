import { messagesOf } from '../prompts/promptSet';
import { mostEdits, type CallPlan } from '../collect/planCalls';
import type { CompletionRequest } from '../ports/languageModel';
import { collectSettings } from '../run/loop';
import type { RunInput } from '../run/runContext';
import { poseProblems } from '../tasks/pose';
import type { Args } from './args';
import { shownPlan, type ShownPlan } from './callPlan';
import type { Context } from './command';
import { withDryLedger } from './dryLedger';
import type { Teaching } from './teaching';

/** Prompts like those that will be sent: of the first problems, about an answer as long as a gold one. */
const samplePrompts = (
  { task, config }: RunInput,
  { prompts, sampling }: Teaching,
): readonly Pick<CompletionRequest, 'prompt' | 'sampling'>[] => {
  const { train, testSeen, testUnseen, seed } = config.task;
  const posed = poseProblems(task, config.task.config, { seed, counts: { train, testSeen, testUnseen } });
  const { script } = task;
  if (!posed.ok || script === undefined) return [];
  return posed.problems.train.slice(0, 20).flatMap((problem) => {
    const attempt = script.gold(problem);
    return [
      { prompt: messagesOf(prompts.feedback, task, problem, { attempt }), sampling: sampling.feedback },
      {
        prompt: messagesOf(prompts.improvement, task, problem, { attempt, feedback: attempt }),
        sampling: sampling.improvement,
      },
    ];
  });
};

/** How many trajectories a whole run collects. */
export const trajectoriesOf = ({ config }: RunInput): number =>
  config.iterations * config.collect.passes * config.task.train;

/** What so many trajectories may ask their teacher: the students are not trained yet, so only the ends are known. */
export const planOfTeaching = async (
  input: RunInput,
  trajectories: number,
  teaching: Teaching,
  { args, context }: { readonly args: Args; readonly context: Context },
): Promise<ShownPlan> => {
  const { config } = input;
  const plan: CallPlan = {
    trajectories,
    closed: 0,
    reused: 0,
    calls: { from: 0, to: trajectories * mostEdits(collectSettings(config, 1, '')) },
    next: samplePrompts(input, teaching),
  };
  let shown: ShownPlan | undefined;
  await withDryLedger(args, context, async ({ log }) => {
    shown = await shownPlan(plan, { kind: 'endpoint', name: teaching.model }, teaching.model, log, args);
  });
  if (shown === undefined) throw new Error('a plan is made on some ledger');
  return shown;
};
