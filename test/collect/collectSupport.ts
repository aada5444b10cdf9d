import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { collectionIdOf } from '../../events/collectionStarted';
import { sha256 } from '../../events/digest';
import type { ProblemPosed } from '../../events/problemPosed';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import {
  collectionOf,
  collectTrajectories,
  type CollectError,
  type CollectPorts,
  type CollectProgress,
  type CollectSettings,
} from '../../src/collect/collectTrajectories';
import type { CallerError } from '../../src/collect/caller';
import { scriptedEditor, type Editor } from '../../src/collect/editor';
import { paperOptions } from '../../src/collect/trajectoryState';
import type { EventLog } from '../../src/ports/eventLog';
import type { CompletionRequest, LanguageModel, ModelError } from '../../src/ports/languageModel';
import { poseSet } from '../../src/run/problems';
import { multistepArithmetic as task } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import type { Problem, Script } from '../../src/tasks/task';
import { renderTurn } from '../../src/tasks/trajectoryText';
import { collect, must, testClock } from '../support/events';

if (task.script === undefined) throw new Error('the task has a script');
export const script: Script = task.script;

export const newLog = (): EventLog => openMemoryLog({ now: testClock() });

/** Seven problems, in memory and on the ledger. */
export const poseSeven = async (log: EventLog): Promise<readonly ProblemPosed[]> => {
  const config = { seen: [{ depth: [2], length: 2 }], unseen: [{ depth: [3], length: 2 }] };
  const counts = { train: 7, testSeen: 0, testUnseen: 0 };
  return must(await poseSet(log, { task, config, seed: 3, counts, gold: null })).problems;
};

export const bare = ({ question, options, answer }: ProblemPosed): Problem => ({ question, options, answer });

/** How a student answers a problem: by the place of the problem in the set, one way each. */
export const answers = (problem: ProblemPosed, at: number): readonly string[] => {
  const one = bare(problem);
  const gold = script.gold(one);
  const closing = renderTurn('feedback', script.feedback(one, gold).text, '');
  const wrong = script.injections(one)[at % 3]?.attempt ?? '';
  const verdict = script.feedback(one, wrong);
  const said = renderTurn('feedback', verdict.text, '');
  const mended = renderTurn('improvement', script.improve(one, wrong, verdict) ?? '', task.hint);
  switch (at % 7) {
    case 0:
      return [`\n${gold}${closing}`];
    case 1:
      return [`\n${wrong}`];
    case 2:
      return [`\n${wrong}${said}${mended}`, closing];
    case 3:
      return ['\nI do not know.'];
    case 4:
      return [`\n${wrong}${closing}`];
    case 5:
      return [`\n${wrong}${said}${mended}`, '\nHm.'];
    default:
      return [`\n${gold}`];
  }
};

const fakeRef = { kind: 'checkpoint', digest: sha256('a student') } as const;

/** A model that has one text for each call of each problem, and counts what it is asked. */
export class FakeStudent implements LanguageModel {
  readonly ref = fakeRef;
  readonly asked: CompletionRequest[] = [];
  /** Gives up when it has answered so many requests. */
  failAfter = Number.POSITIVE_INFINITY;

  constructor(
    private readonly problems: readonly ProblemPosed[],
    readonly batch = 3,
    private readonly texts = answers,
  ) {}

  complete(requests: readonly CompletionRequest[]): ReturnType<LanguageModel['complete']> {
    return async () => {
      if (this.asked.length + requests.length > this.failAfter) {
        return E.left<ModelError>({ tag: 'ModelUnavailable', message: 'the machine is off' });
      }
      this.asked.push(...requests);
      return E.right(requests.map((request) => this.completionOf(request)));
    };
  }

  private completionOf({ key }: CompletionRequest) {
    // Every key ends in problem, 'call', number of the call.
    const [id, call] = [key.at(-3), Number(key.at(-1))];
    const at = this.problems.findIndex(({ problemId }) => problemId === id);
    const problem = this.problems[at];
    const text = problem === undefined ? undefined : this.texts(problem, at)[call];
    if (text === undefined) throw new Error(`call ${call} of problem ${at} is one too many`);
    const tokenIds = [1, 2, 3];
    return {
      text,
      finish: 'eos' as const,
      tokenIds,
      logprobs: [-0.5, -0.25, -1],
      usage: { promptTokens: 9, completionTokens: tokenIds.length },
    };
  }
}

/** The script, each answer late by as much as `delay` says. */
export const slowEditor = (delay: () => number): Editor => {
  const quick = scriptedEditor(script);
  const late = <T>(result: TE.TaskEither<CallerError, T>): TE.TaskEither<CallerError, T> => {
    return () => new Promise((resolve) => void setTimeout(() => void result().then(resolve), delay()));
  };
  return {
    ...quick,
    feedback: (...asked) => late(quick.feedback(...asked)),
    improve: (...asked) => late(quick.improve(...asked)),
  };
};

export const settings: CollectSettings = {
  iteration: 1,
  problemSet: 'seven',
  passes: 2,
  seed: 5,
  sampling: { temperature: 1, topK: null, topP: null, maxTokens: 64 },
  maxCalls: 3,
  edit: paperOptions,
  rightAnswer: 'fbk',
  concurrency: 4,
};

/** The collection that these settings make with the fake student and the script. */
export const collectionId = collectionIdOf(collectionOf(settings, fakeRef, scriptedEditor(script)));

export const collectWith = (
  problems: readonly ProblemPosed[],
  ports: Pick<CollectPorts, 'log' | 'student'> & Partial<CollectPorts>,
  changed: Partial<CollectSettings> = {},
): Promise<E.Either<CollectError, CollectProgress>> =>
  collectTrajectories(
    problems,
    { ...settings, ...changed },
    { editor: scriptedEditor(script), task, signal: new AbortController().signal, ...ports },
  );

/** Everything that the ledger says, in its order: position, and a leaf that covers all of the event. */
export const leavesOf = async (log: EventLog): Promise<readonly string[]> =>
  (await collect(log.readAll())).map(({ stream, revision, type, leaf }) => `${stream} ${revision} ${type} ${leaf}`);

/** A log whose disk is full after so many appends. */
export const failingLog = (log: EventLog, appends: number): EventLog => {
  let left = appends;
  return {
    ...log,
    append: (stream, expected, events) =>
      left-- > 0 ? log.append(stream, expected, events) : TE.left({ tag: 'NoSpace', where: 'memory', message: 'full' }),
  };
};
