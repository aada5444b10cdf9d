import * as E from 'fp-ts/Either';
import type { ProblemPosed } from '../../events/problemPosed';
import type { ModelError } from '../ports/languageModel';
import {
  addTo,
  beginCollection,
  collectChunk,
  trajectoryIdOf,
  workOf,
  type ChunkResult,
  type CollectError,
  type CollectPorts,
  type CollectProgress,
  type CollectSettings,
  type Collection,
  type Work,
} from './collectTrajectories';
import { Share, type SharePorts } from './share';

export interface SharedPorts extends CollectPorts {
  readonly share: SharePorts;
}

type Result<T> = Promise<E.Either<CollectError, T>>;

/** How often a claim that is still held is begun anew after somebody else's append came in between. */
const retries = 3;

/** The end of a claim before its work is done: it is not held any more, or nobody can tell since the log failed. */
class Loss {
  readonly ended = new AbortController();
  failure: CollectError | undefined;

  /** Takes note of whether the claim is held; says whether it is. */
  see(held: E.Either<CollectError, boolean>): boolean {
    if (E.isRight(held) && held.right) return true;
    if (E.isLeft(held)) this.failure = held.left;
    this.ended.abort();
    return false;
  }
}

/** The ports, with every call made only while the claim is held. */
const guarded = (ports: SharedPorts, share: Share<Work>, loss: Loss): CollectPorts => {
  const signal = AbortSignal.any([ports.signal, loss.ended.signal]);
  const call =
    <F, T>(make: () => Promise<E.Either<F | ModelError, T>>) =>
    async (): Promise<E.Either<F | ModelError, T>> => {
      if (loss.see(await share.holds())) return make();
      return E.left({ tag: 'Interrupted' });
    };
  const { student, editor } = ports;
  return {
    ...ports,
    signal,
    student: {
      ref: student.ref,
      batch: student.batch,
      complete: (...asked) => call(() => student.complete(...asked)()),
    },
    editor: {
      ...editor,
      feedback: (...asked) => call(() => editor.feedback(...asked)()),
      improve: (...asked) => call(() => editor.improve(...asked)()),
    },
  };
};

/** Somebody else has written into one of the trajectories. */
const isConflict = ({ tag }: CollectError): boolean =>
  tag === 'WrongExpectedRevision' || tag === 'IdConflict' || tag === 'PartialDuplicate';

/** Collects what is claimed; `undefined` where the claim went to somebody else meanwhile. */
const collectClaimed = async (
  chunk: readonly Work[],
  collection: Collection,
  ports: SharedPorts,
  share: Share<Work>,
): Result<ChunkResult | undefined> => {
  const [over, loss] = [new AbortController(), new Loss()];
  const kept = share.keepUntil(over.signal).then((held) => loss.see(held));
  try {
    for (let attempt = 0; ; attempt++) {
      const result = await collectChunk(chunk, collection, guarded(ports, share, loss));
      if (E.isRight(result)) return result;
      if (loss.failure !== undefined) return E.left(loss.failure);
      const held = await share.check();
      if (E.isLeft(held)) return held;
      if (!held.right) return E.right(undefined);
      // Who had the claim before was slow, not dead, and has still appended: what it appended is used.
      if (!isConflict(result.left) || attempt >= retries) return result;
    }
  } finally {
    over.abort();
    await kept;
  }
};

/** What others have collected: their calls are found on the ledger. */
const countOthers = async (
  items: readonly Work[],
  collection: Collection,
  ports: CollectPorts,
): Result<ChunkResult> => {
  let sum: CollectProgress = { done: 0, total: 0, newCalls: 0, reusedCalls: 0, outcomes: {} };
  const refuse = async (): Promise<never> => {
    throw new Error('a claim was ended as done before all of its trajectories were closed');
  };
  const student = { ref: ports.student.ref, batch: ports.student.batch, complete: () => refuse };
  for (const item of items) {
    const counted = await collectChunk([item], collection, { ...ports, student });
    if (E.isLeft(counted)) return counted;
    sum = addTo(sum, counted.right);
  }
  return E.right(sum);
};

/**
 * Collects together with other processes that do the same, on this or on other machines: each claims a batch, collects
 * it, and claims the next, until all is done. Ends with the counts of the whole collection. Trajectories are the same as
 * those of one process; only their order on the ledger differs, and the events on the claims' own stream.
 */
export const collectShared = async (
  problems: readonly ProblemPosed[],
  settings: CollectSettings,
  ports: SharedPorts,
): Result<CollectProgress> => {
  const work = workOf(problems, settings);
  const begun = await beginCollection(settings, ports);
  if (E.isLeft(begun)) return begun;
  const collection = begun.right;
  const idOf = ({ pass, problem }: Work): string => trajectoryIdOf(collection.collectionId, pass, problem.problemId);
  const share = new Share<Work>(ports.log, collection.collectionId, ports.share, ports.signal);
  const size = Math.max(1, ports.student.batch);
  const own = new Set<Work>();
  let progress: CollectProgress = { done: 0, total: work.length, newCalls: 0, reusedCalls: 0, outcomes: {} };
  for (;;) {
    const next = await share.next(work, size, idOf);
    if (E.isLeft(next)) return next;
    if (next.right.kind === 'aborted') return E.left({ tag: 'Cancelled', done: progress.done, total: work.length });
    if (next.right.kind === 'nothing') break;
    const { items } = next.right;
    const result = await collectClaimed(items, collection, ports, share);
    if (E.isLeft(result)) {
      const back = await share.giveBack();
      if (result.left.tag !== 'Interrupted') return result;
      return E.isLeft(back) ? back : E.left({ tag: 'Cancelled', done: progress.done, total: work.length });
    }
    if (result.right === undefined) {
      share.forget();
      continue;
    }
    share.finish();
    for (const item of items) own.add(item);
    progress = addTo(progress, result.right);
    ports.onProgress?.(progress);
  }
  const others = await countOthers(
    work.filter((item) => !own.has(item)),
    collection,
    ports,
  );
  if (E.isLeft(others)) return others;
  progress = addTo(progress, others.right);
  ports.onProgress?.(progress);
  return E.right(progress);
};
