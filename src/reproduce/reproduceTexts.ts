import * as E from 'fp-ts/Either';
import { canonicalJson } from '../../events/digest';
import type { EvaluationRecorded } from '../../events/evaluationRecorded';
import { Sampling, type GenerationProduced } from '../../events/generationProduced';
import type { ProblemPosed } from '../../events/problemPosed';
import { evaluate, type EvaluateError } from '../evaluate/evaluate';
import type { EventLog } from '../ports/eventLog';
import type { LanguageModel, ModelError } from '../ports/languageModel';
import type { Task } from '../tasks/task';
import { around, check, type Finding, type Reproduction } from './finding';

const isConfig = (u: unknown): u is { readonly sampling: unknown; readonly maxCalls: number; readonly seed: number } =>
  typeof u === 'object' &&
  u !== null &&
  'sampling' in u &&
  'maxCalls' in u &&
  'seed' in u &&
  typeof u.seed === 'number' &&
  typeof u.maxCalls === 'number';

export interface EvaluationPorts {
  /** A ledger to score on, thrown away afterwards. */
  readonly scratch: EventLog;
  readonly student: LanguageModel;
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly cause: string;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Scores a checkpoint again on the recorded problems and compares every text, attempt by attempt. */
export const reproduceEvaluation = async (
  recorded: EvaluationRecorded,
  problems: readonly ProblemPosed[],
  { scratch, cause, ...ports }: EvaluationPorts,
): Promise<E.Either<EvaluateError, Reproduction>> => {
  const { evaluationId, checkpoint, problemSet, config, items } = recorded;
  const input = (where: string, expected: string, got: string): E.Either<never, Reproduction> =>
    E.right({
      checks: [check('problems', evaluationId, false)],
      findings: [
        { kind: 'input', of: evaluationId, where, expected, got, cause: 'the evaluation cannot be made again' },
      ],
    });
  if (!isConfig(config)) return input('config', 'sampling, maxCalls, seed', JSON.stringify(config));
  const sampling = Sampling.decode(config.sampling);
  if (E.isLeft(sampling)) return input('config.sampling', 'sampling settings', JSON.stringify(config.sampling));
  const byId = new Map(problems.map((problem) => [problem.problemId, problem]));
  const asked = items.flatMap(({ problemId }) => byId.get(problemId) ?? []);
  if (asked.length !== items.length)
    return input('problems', `${items.length} problems of ${problemSet}`, `${asked.length}`);
  const { seed, maxCalls } = config;
  const again = await evaluate(
    asked,
    { checkpoint, problemSet, seed, sampling: sampling.right, maxCalls },
    { log: scratch, ...ports },
  );
  if (E.isLeft(again)) return again;
  const findings: Finding[] = [];
  let texts = 0;
  for (const [i, item] of items.entries()) {
    const now = again.right.evaluation.items[i];
    for (const [call, text] of item.texts.entries()) {
      texts += 1;
      const other = now?.texts[call] ?? '';
      if (other === text || findings.length > 0) continue;
      findings.push({
        kind: 'text',
        of: evaluationId,
        where: `problem ${item.problemId}, call ${call}`,
        expected: around(text, other),
        got: around(other, text),
        cause,
      });
    }
  }
  const sameScores = canonicalJson(again.right.evaluation.scores) === canonicalJson(recorded.scores);
  if (findings.length === 0 && !sameScores)
    findings.push({
      kind: 'digest',
      of: evaluationId,
      where: 'scores',
      expected: JSON.stringify(recorded.scores['accuracy.total']),
      got: JSON.stringify(again.right.evaluation.scores['accuracy.total']),
      cause: 'equal texts, judged otherwise: other code of the task',
    });
  return E.right({
    checks: [
      check('texts', evaluationId, !findings.some(({ kind }) => kind === 'text'), texts),
      check('scores', evaluationId, sameScores),
    ],
    findings,
  });
};

/** Asks the student again for recorded generations, under their keys and settings, and compares texts and tokens. */
export const reproduceGenerations = async (
  collectionId: string,
  generations: readonly GenerationProduced[],
  student: LanguageModel,
  cause: string,
  signal: AbortSignal,
  onProgress?: (done: number, total: number) => void,
): Promise<E.Either<ModelError, Reproduction>> => {
  const findings: Finding[] = [];
  let done = 0;
  const size = Math.max(1, student.batch);
  for (let start = 0; start < generations.length && findings.length === 0; start += size) {
    const some = generations.slice(start, start + size);
    const made = await student.complete(
      some.map(({ prompt, sampling, seedKey }) => ({ prompt, sampling, key: seedKey })),
      signal,
    )();
    if (E.isLeft(made)) return made;
    for (const [i, recorded] of some.entries()) {
      const now = made.right[i];
      const where = `trajectory ${recorded.trajectoryId}, call ${recorded.call}`;
      if (now?.text !== recorded.text)
        findings.push({
          kind: 'text',
          of: collectionId,
          where,
          expected: around(recorded.text, now?.text ?? ''),
          got: around(now?.text ?? '', recorded.text),
          cause,
        });
      else if (JSON.stringify(now.tokenIds) !== JSON.stringify(recorded.tokenIds))
        findings.push({
          kind: 'text',
          of: collectionId,
          where: `${where}, token ids`,
          expected: 'the recorded ids',
          got: 'others behind the same text',
          cause,
        });
      if (findings.length > 0) break;
      done += 1;
    }
    onProgress?.(Math.min(start + size, generations.length), generations.length);
  }
  return E.right({ checks: [check('texts and token ids', collectionId, findings.length === 0, done)], findings });
};
