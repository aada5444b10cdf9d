import * as E from 'fp-ts/Either';
import type { DecodeError } from '../../events/index';
import type { ProblemPosed } from '../../events/problemPosed';
import type { CompletionRequest } from '../ports/languageModel';
import { answer } from './answer';
import { TrajectoryCalls, type Caller, type CallerError, type CallPlaceOf, type Question, type Told } from './caller';
import { callKeyOf } from './callIdentity';
import { trajectoryIdOf, workOf, type Collection, type CollectPorts } from './collectTrajectories';
import { editTrajectory } from './editTrajectory';
import { isLasting } from './lastingFailure';
import { openTrajectory, type Open } from './openTrajectory';
import { nextPrompt } from './rollout';

/** What a collection would ask served models, as far as it can be known before their answers are. */
export interface CallPlan {
  readonly trajectories: number;
  /** Trajectories that are closed already. */
  readonly closed: number;
  /** Calls that the ledger has: of closed trajectories, of those begun, and of others that asked the same. */
  readonly reused: number;
  /** Calls to make, at least and at most. */
  readonly calls: { readonly from: number; readonly to: number };
  /** The calls that are known to be the next ones: nothing but their answers decides what comes behind. */
  readonly next: readonly Pick<CompletionRequest, 'prompt' | 'sampling'>[];
}

const unknown: CallerError = { tag: 'Interrupted' };

/** Gives what is recorded, appends nothing, and stops at the first call that would be made. */
class PlannedCalls extends TrajectoryCalls {
  miss: Question | undefined;
  told = 0;

  constructor(
    private readonly base: TrajectoryCalls,
    place: CallPlaceOf,
    stream: Open['stream'],
  ) {
    super(place, stream);
  }

  override async ask(caller: Caller, question: Question): Promise<E.Either<CallerError, Told>> {
    const known = this.base.recorded();
    const key = callKeyOf(caller.partsOf(question));
    if (known !== undefined && known.data.callKey === key) {
      this.told += 1;
      return E.right({ told: true, generationId: known.id, data: known.data, from: 'found' });
    }
    const found = await caller.ports.book.find(key);
    const failed = await caller.ports.book.findFailed(key);
    if (failed !== undefined && isLasting(failed.data.kind)) {
      this.told += 1;
      return E.right({ told: false, kind: failed.data.kind, message: failed.data.message });
    }
    if (found === undefined) {
      this.miss = question;
      return E.left(unknown);
    }
    this.told += 1;
    return E.right({ told: true, generationId: found.generationId, data: found.data, from: 'reused' });
  }
}

/** FBK on the answer and on each update, once more where an own update is refused; IMP for each update; each once more. */
export const mostEdits = ({ edit: { maxUpdates } }: Pick<Collection, 'edit'>): number =>
  2 * (maxUpdates + 2 + maxUpdates);

/** Counts the calls of a collection without making any: every trajectory is followed as far as recorded answers reach. */
export const planCalls = async (
  problems: readonly ProblemPosed[],
  settings: Collection,
  ports: CollectPorts,
  teaching: boolean,
): Promise<E.Either<DecodeError, CallPlan>> => {
  const served = ports.answers !== undefined;
  const mostAnswers = !served ? 0 : ports.answers?.prompt === undefined ? settings.maxCalls : 2;
  const edits = teaching ? mostEdits(settings) : 0;
  const work = workOf(problems, settings);
  const next: Question[] = [];
  let closed = 0;
  let reused = 0;
  let to = 0;
  let unseen = 0;
  for (const { pass, problem } of work) {
    const trajectoryId = trajectoryIdOf(settings.collectionId, pass, problem.problemId);
    const opened = await openTrajectory({ ...settings, pass, problem, trajectoryId }, ports);
    if (E.isLeft(opened)) return opened;
    const one = opened.right;
    if (one.closed !== undefined) {
      closed += 1;
      reused += one.reusedCalls;
      continue;
    }
    // A student of our own has not answered yet: what FBK will be asked is not known.
    if (!served && nextPrompt(one.rollout, settings.maxCalls) !== undefined) {
      to += edits;
      unseen += 1;
      continue;
    }
    one.calls.skip(one.rollout.calls.length);
    const calls = new PlannedCalls(one.calls, one.identity, one.stream);
    const planned: Open = { ...one, calls };
    const answered =
      ports.answers === undefined ? E.right([]) : await answer(planned, settings, ports.answers, ports.task);
    if (E.isRight(answered)) await editTrajectory(planned, settings, ports);
    reused += calls.told;
    if (calls.miss === undefined) continue;
    next.push(calls.miss);
    to += Math.max(1, mostAnswers + edits - calls.told);
  }
  return E.right({
    trajectories: work.length,
    closed,
    reused,
    calls: { from: next.length, to: unseen + next.length === 0 ? 0 : to },
    next: next.map(({ prompt, sampling }) => ({ prompt, sampling })),
  });
};
