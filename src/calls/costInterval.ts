import type { CompletionRequest } from '../ports/languageModel';
import { costOf, nano, type ModelPrice } from './prices';
import { boundOf } from './tokenBounds';

/** Tokens of one call. */
export interface CallTokens {
  readonly prompt: number;
  readonly completion: number;
}

/** What calls to a model took so far, and what they are bound by. */
export interface Lengths {
  readonly least: CallTokens;
  readonly mean: CallTokens;
  readonly most: CallTokens;
  /** `ledger`: measured on recorded calls; `prompts`: from the bytes of those that are known, four a token. */
  readonly from: 'ledger' | 'prompts';
}

export interface Interval {
  readonly from: number;
  readonly expected: number;
  readonly to: number;
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const leastOf = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const mostOf = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);

/**
 * The lengths to reckon with. Measured ones give the mean; the ends of the interval are wider than what was measured, since
 * a call may be longer than all before it: no shorter than one token, no longer than its bound.
 */
export const lengthsOf = (
  measured: readonly CallTokens[],
  known: readonly Pick<CompletionRequest, 'prompt' | 'sampling'>[],
): Lengths => {
  const bounds = known.map((request) => boundOf({ ...request, key: [] }));
  const bound: CallTokens = {
    prompt: mostOf(bounds.map(({ promptTokens }) => promptTokens)),
    completion: mostOf(bounds.map(({ completionTokens }) => completionTokens)),
  };
  const prompts = measured.map(({ prompt }) => prompt);
  const completions = measured.map(({ completion }) => completion);
  const most = {
    prompt: Math.max(bound.prompt, 2 * mostOf(prompts)),
    completion: Math.max(bound.completion, 2 * mostOf(completions)),
  };
  if (measured.length > 0)
    return {
      least: { prompt: Math.floor(leastOf(prompts) / 2), completion: 1 },
      mean: { prompt: meanOf(prompts), completion: meanOf(completions) },
      most,
      from: 'ledger',
    };
  const estimates = bounds.map(({ promptTokens }) => promptTokens / 4);
  return {
    least: { prompt: estimates.length === 0 ? 1 : Math.floor(leastOf(estimates) / 4), completion: 1 },
    mean: { prompt: meanOf(estimates), completion: bound.completion / 4 },
    most,
    from: 'prompts',
  };
};

const dollars = (price: ModelPrice, { prompt, completion }: CallTokens, calls: number): number => {
  const usage = { promptTokens: Math.ceil(prompt), completionTokens: Math.ceil(completion), cachedPromptTokens: 0 };
  return (calls * costOf(price, usage)) / nano;
};

/** What so many calls may cost; undefined where the model has no price: never zero for want of knowledge. */
export const costInterval = (price: ModelPrice | undefined, calls: Interval, lengths: Lengths): Interval | undefined =>
  price === undefined
    ? undefined
    : {
        // All of a prompt may have been cached.
        from: dollars(
          price,
          { ...lengths.least, prompt: price.cachedInput === null ? lengths.least.prompt : 0 },
          calls.from,
        ),
        expected: dollars(price, lengths.mean, calls.expected),
        to: dollars(price, lengths.most, calls.to),
      };
