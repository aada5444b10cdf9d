import * as E from 'fp-ts/Either';
import type { Program, RuntimeError } from '../../ports/tensorRuntime';
import type { ModelShape } from '../modelShape';
import { floatsOf } from '../programs';
import { readingFeeds, readingGroups } from './reading';

/** A text to judge: the tokens before it, at least one, and its own. */
export interface ScoreRow {
  readonly prompt: readonly number[];
  readonly continuation: readonly number[];
}

/**
 * Log-probabilities (nats) of each row's continuation, in the rows' order; undefined when the signal aborted first. Rows
 * of like length are read together; a row's numbers do not depend on the others.
 */
export const scoreRows = async (
  shape: ModelShape,
  program: Program,
  rows: readonly ScoreRow[],
  signal?: AbortSignal,
): Promise<E.Either<RuntimeError, readonly (readonly number[])[] | undefined>> => {
  const results: (readonly number[])[] = rows.map(() => []);
  const whole = rows.flatMap(({ prompt, continuation }, index) =>
    // The last token is predicted, not read.
    continuation.length === 0 ? [] : [{ index, ids: [...prompt, ...continuation].slice(0, -1) }],
  );
  for (const group of readingGroups(whole, shape, shape.vocabSize)) {
    if (signal?.aborted === true) return E.right(undefined);
    const { length } = group;
    const targets = new BigInt64Array(group.rows.length * length);
    group.rows.forEach(({ index }, i) => {
      const { prompt = [], continuation = [] } = rows[index] ?? {};
      const start = i * length + prompt.length - 1;
      continuation.forEach((id, place) => (targets[start + place] = BigInt(id)));
    });
    const feeds = readingFeeds(shape, group.rows, length);
    const dims = [targets.length, 1];
    const fetched = await program.run({ ...feeds, targets: { dtype: 'int64', dims, data: targets } })();
    if (E.isLeft(fetched)) return fetched;
    const logprobs = floatsOf(fetched.right, 'logprobs');
    group.rows.forEach(({ index }, i) => {
      const { prompt = [], continuation = [] } = rows[index] ?? {};
      const start = i * length + prompt.length - 1;
      results[index] = Array.from(logprobs.subarray(start, start + continuation.length));
    });
  }
  return E.right(results);
};
