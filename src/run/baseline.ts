import * as E from 'fp-ts/Either';
import type { Environment } from '../../events/codecs';
import { collectionIdOf, type CollectionInputs } from '../../events/collectionStarted';
import { digestOf, type Json } from '../../events/digest';
import { decodeEvent } from '../../events/index';
import { iterationStarted } from '../../events/iterationStarted';
import type { ProblemPosed } from '../../events/problemPosed';
import { runStarted } from '../../events/runStarted';
import type { Policy } from '../../projections/policies/policy';
import type { PresetName } from '../../projections/policies/presets';
import {
  collectionOf,
  collectTrajectories,
  type CollectError,
  type CollectPorts,
  type CollectProgress,
  type CollectSettings,
} from '../collect/collectTrajectories';
import { appendOnce } from '../ledger/openStream';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import { derive, type DeriveError } from './derive';

/** How a baseline differs from a collection of TriPosT (TriPosT §3; its own paper where it has one). */
export interface Baseline {
  readonly policy: PresetName;
  /** Who answers: the student, or a large model under the prompt `rationale`. */
  readonly attempts: 'student' | 'teacher';
  /** Whether FBK and IMP go on from the attempts. */
  readonly edits: boolean;
  /** Whether problems without a right attempt are answered once more by a model that is told the answer. */
  readonly hints: boolean;
  readonly passes: number | null;
  readonly temperature: number | null;
  readonly what: string;
}

export const baselines = {
  'si-demo': {
    policy: 'si-demo',
    attempts: 'teacher',
    edits: true,
    hints: false,
    passes: null,
    temperature: 1,
    what: 'ft SI demo: attempts, feedback and updates by a large model, right in the end',
  },
  'lmsi-vote': {
    policy: 'lmsi-vote',
    attempts: 'student',
    edits: false,
    hints: false,
    passes: 5,
    temperature: 1.2,
    what: "LMSI (arXiv 2210.11610): the student's own answers that most of its answers agree with",
  },
  'lmsi-gold': {
    policy: 'lmsi-gold',
    attempts: 'student',
    edits: false,
    hints: false,
    passes: 5,
    temperature: 1.2,
    what: "LMSI as TriPosT's code runs it: the student's own answers that are gold",
  },
  star: {
    policy: 'star-hint',
    attempts: 'student',
    edits: false,
    hints: true,
    passes: 1,
    temperature: null,
    what: 'STaR (arXiv 2203.14465): right answers, and where there is none one made with the answer as a hint',
  },
} as const satisfies Readonly<Record<string, Baseline>>;
export type BaselineName = keyof typeof baselines;

export interface BaselinePorts {
  readonly log: EventLog;
  readonly blobs: BlobStore;
  readonly environment: Environment;
  readonly codeVersion: string;
  /** The first collection: who answers, and who edits. */
  readonly collect: CollectPorts;
  /** The second one, with hints. */
  readonly hinted?: CollectPorts;
}

export interface BaselineRequest {
  readonly name: BaselineName;
  readonly settings: CollectSettings;
  readonly policy: Policy;
  readonly problems: readonly ProblemPosed[];
  readonly problemSet: string;
}

export interface BaselineResult {
  readonly runId: string;
  readonly collections: readonly { readonly collectionId: string; readonly progress: CollectProgress }[];
  readonly derived: Awaited<ReturnType<typeof derive>> extends E.Either<unknown, infer D> ? D : never;
}

/** The settings of a baseline over those of a config. Without edits, right answers are known by their answer alone. */
export const baselineSettings = (
  { passes, temperature, edits }: Baseline,
  settings: CollectSettings,
): CollectSettings => ({
  ...settings,
  iteration: 1,
  passes: passes ?? settings.passes,
  sampling: { ...settings.sampling, temperature: temperature ?? settings.sampling.temperature },
  ...(edits ? {} : { maxCalls: 1, edit: { ...settings.edit, maxUpdates: 0 } }),
  rightAnswer: 'answer-match',
});

/** Problems that no attempt of a collection answers rightly. */
const unsolved = async (
  log: EventLog,
  collectionId: string,
  problems: readonly ProblemPosed[],
): Promise<readonly ProblemPosed[]> => {
  const problemOf = new Map<string, string>();
  const right = new Set<string>();
  for await (const recorded of log.readAll({ filter: { types: ['GenerationProduced', 'AnswerVerified'] } })) {
    const event = decodeEvent(recorded);
    if (E.isLeft(event)) continue;
    const { type, data } = event.right;
    if (type === 'GenerationProduced' && data.collectionId === collectionId)
      problemOf.set(data.trajectoryId, data.problemId);
    if (type === 'AnswerVerified' && data.round === 0 && data.answerCorrect)
      right.add(problemOf.get(data.trajectoryId) ?? '');
  }
  return problems.filter(({ problemId }) => !right.has(problemId));
};

/** A baseline is what it collects and how it chooses: the same on the same ledger is the same, and goes on where it stopped. */
const runIdOf = (name: BaselineName, inputs: CollectionInputs, passes: number, policy: Policy): string =>
  digestOf({ baseline: name, inputs, passes, policy }).slice(0, 16);

/** Collects what a baseline learns from, and derives its dataset. Everything that is on the ledger already is used. */
export const runBaseline = async (
  { name, settings: given, policy, problems, problemSet }: BaselineRequest,
  ports: BaselinePorts,
): Promise<E.Either<CollectError | DeriveError, BaselineResult>> => {
  const { log, blobs, environment, codeVersion } = ports;
  const baseline: Baseline = baselines[name];
  const settings = baselineSettings(baseline, given);
  const inputs = collectionOf(settings, ports.collect.student.ref, ports.collect.editor);
  const runId = runIdOf(name, inputs, settings.passes, policy);
  const stream = `run-${runId}`;
  const config: Json = { baseline: name, collection: { ...inputs }, passes: settings.passes, policy: policy.name };
  const started = runStarted.create({ runId, config, seed: settings.seed, codeVersion, environment });
  const noted = await appendOnce(log, stream, started);
  if (E.isLeft(noted)) return noted;

  const collections: BaselineResult['collections'][number][] = [];
  const collect = async (
    these: readonly ProblemPosed[],
    how: CollectSettings,
    by: CollectPorts,
  ): Promise<E.Either<CollectError, void>> => {
    const collectionId = collectionIdOf(collectionOf(how, by.student.ref, by.editor));
    const { iteration } = how;
    const begins = { runId, iteration, student: by.student.ref, problemSet, collectionId };
    const begun = await appendOnce(log, stream, iterationStarted.create(begins));
    if (E.isLeft(begun)) return begun;
    const collected = await collectTrajectories(these, how, by);
    if (E.isLeft(collected)) return collected;
    collections.push({ collectionId, progress: collected.right });
    return E.right(undefined);
  };
  const first = await collect(problems, settings, ports.collect);
  if (E.isLeft(first)) return first;
  if (baseline.hints && ports.hinted !== undefined) {
    const left = await unsolved(log, collectionIdOf(inputs), problems);
    const second = await collect(left, { ...settings, iteration: 2 }, ports.hinted);
    if (E.isLeft(second)) return second;
  }
  const iteration = baseline.hints ? 2 : 1;
  const derived = await derive(
    { policy, seed: settings.seed, scope: { runId, iteration, problemSet } },
    { log, blobs },
  );
  return E.isLeft(derived) ? derived : E.right({ runId, collections, derived: derived.right });
};
