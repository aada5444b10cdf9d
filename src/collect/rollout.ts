import * as E from 'fp-ts/Either';
import type { Sampling } from '../../events/generationProduced';
import type { DrawKey } from '../../projections/random';
import type { Completion, LanguageModel, ModelError } from '../ports/languageModel';
import { parseTurns, renderTurn, type ParsedTurns } from '../tasks/trajectoryText';

/** One call of a rollout: what was asked, what came back, and its turns. */
export interface Call {
  readonly prompt: string;
  readonly text: string;
  readonly finish: Completion['finish'];
  readonly parsed: ParsedTurns;
}

/** A student's answer to one problem as far as it has got. */
export interface Rollout {
  /** The problem's prompt; later calls put the newest answer behind it. */
  readonly prompt: string;
  /** Draws of call i are keyed by this and i. */
  readonly key: DrawKey;
  readonly calls: Call[];
}

export interface RolloutSettings {
  readonly sampling: Sampling;
  /** Longest chain of calls: the first answer, and each update's own judgement. */
  readonly maxCalls: number;
}

/**
 * The prompt of the next call, or undefined where the rollout is over. A call that ended with an update is followed by
 * one that reads that update as the answer (TriPosT §1.4: the context is the previous attempt, not the history).
 */
export const nextPrompt = (
  { prompt, calls }: Pick<Rollout, 'prompt' | 'calls'>,
  maxCalls: number,
): string | undefined => {
  const last = calls[calls.length - 1];
  if (last === undefined) return prompt;
  const turn = last.parsed.turns[last.parsed.turns.length - 1];
  if (
    calls.length >= maxCalls ||
    last.finish !== 'eos' ||
    last.parsed.leftOver !== null ||
    turn?.kind !== 'improvement'
  )
    return undefined;
  const next = `${prompt}${renderTurn('attempt', turn.body, '')}`;
  return calls.some((call) => call.prompt === next) ? undefined : next;
};

/** The keys of one call's draws. */
export const callKey = (key: DrawKey, call: number): DrawKey => [...key, 'call', call];

/** A completion as a call of the rollout. */
export const readCall = (call: number, prompt: string, completion: Pick<Completion, 'text' | 'finish'>): Call => ({
  prompt,
  text: completion.text,
  finish: completion.finish,
  parsed: parseTurns(completion.text, { startsWith: call === 0 ? 'attempt' : 'feedback' }),
});

/**
 * Makes every call that the rollouts still need; `onCall` sees each as it is made. First calls come before all second
 * ones even when some were made before, so the order of calls is the same in a run that was interrupted.
 */
export const roll = async (
  model: LanguageModel,
  rollouts: readonly Rollout[],
  settings: RolloutSettings,
  signal: AbortSignal,
  onCall: (
    made: readonly { readonly rollout: Rollout; readonly prompt: string; readonly completion: Completion }[],
  ) => Promise<E.Either<ModelError, void>>,
): Promise<E.Either<ModelError, void>> => {
  const full = new Set<Rollout>();
  for (;;) {
    const open = rollouts.flatMap((rollout) => {
      const prompt = full.has(rollout) ? undefined : nextPrompt(rollout, settings.maxCalls);
      return prompt === undefined ? [] : [{ rollout, prompt }];
    });
    if (open.length === 0) return E.right(undefined);
    const fewest = Math.min(...open.map(({ rollout }) => rollout.calls.length));
    const wanted = open.filter(({ rollout }) => rollout.calls.length === fewest);
    const requests = wanted.map(({ rollout, prompt }) => ({
      prompt,
      sampling: settings.sampling,
      key: callKey(rollout.key, rollout.calls.length),
    }));
    const completions = await model.complete(requests, signal)();
    if (E.isLeft(completions)) {
      // An update that leaves no room to judge it ends the student's answer; a problem that is too long is a fault.
      const { left } = completions;
      const tooLong =
        left.tag === 'PromptTooLong' && fewest > 0 ? wanted.filter(({ prompt }) => prompt === left.prompt) : [];
      if (tooLong.length === 0) return completions;
      for (const { rollout } of tooLong) full.add(rollout);
      continue;
    }
    const given = completions.right;
    if (given.length !== wanted.length)
      return E.left({ tag: 'ModelUnavailable', message: `expected ${wanted.length} completions, got ${given.length}` });
    const made = wanted.flatMap((one, i) => {
      const completion = given[i];
      return completion === undefined ? [] : [{ ...one, completion }];
    });
    const told = await onCall(made);
    if (E.isLeft(told)) return told;
    for (const { rollout, prompt, completion } of made)
      rollout.calls.push(readCall(rollout.calls.length, prompt, completion));
  }
};
