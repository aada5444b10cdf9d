import { ablationStarted } from '../../events/ablationStarted';
import { collectionOfRun } from '../../events/collectionOfRun';
import { datasetDerived } from '../../events/datasetDerived';
import { contentId, sha256, type Json } from '../../events/digest';
import { evaluationRecorded } from '../../events/evaluationRecorded';
import { generationProduced, notAsked } from '../../events/generationProduced';
import { definitionOf } from '../../events/index';
import { iterationCompleted } from '../../events/iterationCompleted';
import { iterationScored } from '../../events/iterationScored';
import { iterationStarted } from '../../events/iterationStarted';
import { runStarted } from '../../events/runStarted';
import { stepRecorded } from '../../events/stepRecorded';
import { trainingCompleted } from '../../events/trainingCompleted';
import { trainingStarted } from '../../events/trainingStarted';
import { experiments } from '../../projections/ablation/experiments';
import { reportDocument, type ReportDocument } from '../../projections/ablation/reportDocument';
import { project } from '../../projections/projection';
import { words } from '../../projections/random';
import { createMerkleTree } from '../../src/ledger/merkle';
import type { EventLog } from '../../src/ports/eventLog';
import { environment, LedgerBuilder } from '../support/builders';
import { appendTo } from '../support/events';

/** What a planted ablation is like; each arm is better than the one before it by `gain` of the items. */
export interface Planted {
  readonly arms: readonly string[];
  /** The values of one numeric setting that every arm goes through; none: no axis. */
  readonly axis: readonly number[];
  readonly seeds: readonly number[];
  readonly iterations: number;
  readonly items: number;
  readonly steps: number;
  readonly gain: number;
  /** Cells that are left unfinished: their last iteration is not there. */
  readonly unfinished: readonly string[];
}

/** An arm name that would run, were it not escaped, and would break a table and a CSV line. */
export const hostile = '<script>alert("x")</script> & | `a`, \'b\'';

export const planted: Planted = {
  arms: ['tripost', hostile],
  axis: [0.05, 0.2, 0.43],
  seeds: [1, 2, 3],
  iterations: 2,
  items: 40,
  steps: 90,
  gain: 0.06,
  unfinished: [],
};

const key = 'policy.balance.ratio';

export const armsOf = ({ arms, axis }: Planted): readonly string[] =>
  axis.length === 0 ? arms : arms.flatMap((arm) => axis.map((value) => `${arm} ${key}=${value}`));

const share = (...path: readonly (string | number)[]): number => (words(['planted', ...path], 1)[0] ?? 0) / 0x100000000;

const judged = (correct: boolean) => ({ answer: null, correct, own: null, script: null });

const itemsOf = (of: Planted, level: number, seed: number, iteration: number, path: readonly (string | number)[]) =>
  Array.from({ length: of.items }, (_, i) => {
    const chance = 0.2 + 0.15 * iteration + of.gain * level + 0.04 * share('seed', seed, level);
    const first = share('item', i, seed) < chance;
    const updates = iteration === 0 ? 0 : Math.floor(3 * share('updates', i, ...path) ** 2);
    const attempts = [first];
    for (let n = 0; n < updates; n++) {
      const was = attempts.at(-1) === true;
      attempts.push(share('update', i, n, ...path) < 0.15 + 0.02 * level ? !was : was);
    }
    return {
      problemId: `p${String(i).padStart(3, '0')}`,
      cell: 'two',
      seen: i % 4 !== 0,
      texts: [],
      attempts: attempts.map(judged),
    };
  });

/** One run: base scored, then each iteration collected, derived, trained and scored. */
const addRun = (ledger: LedgerBuilder, of: Planted, runId: string, level: number, seed: number, last: number): void => {
  ledger.add(runStarted, { runId, config: { seed }, seed, codeVersion: 'test', environment });
  for (let iteration = 0; iteration <= last; iteration++) {
    const checkpoint = sha256(`${runId} checkpoint ${iteration}`);
    const trainingId = contentId(['training', runId, iteration]);
    const collectionId = collectionOfRun(runId, iteration);
    if (iteration > 0) {
      const student = { kind: 'checkpoint', digest: sha256(`${runId} checkpoint ${iteration - 1}`) } as const;
      ledger.add(iterationStarted, { runId, iteration, student, problemSet: 'sums', collectionId });
      for (let call = 0; call < 5 + level; call++) {
        const trajectoryId = contentId(['trajectory', runId, iteration, call]);
        ledger.add(generationProduced, {
          collectionId,
          iteration,
          pass: 0,
          problemId: `p${call}`,
          trajectoryId,
          call: 0,
          author: 'student',
          model: student,
          prompt: 'Q: 1 + 1 =',
          text: '2',
          tokenIds: null,
          logprobs: null,
          finish: call % 2 === 0 ? 'eos' : 'length',
          sampling: { temperature: 1, topK: null, topP: 0.9, maxTokens: 64 },
          seedKey: [seed],
          usage: { promptTokens: 40 + seed, completionTokens: 30 + call },
          price: null,
          served: null,
          ...notAsked,
        });
      }
      const rows = 20 + 3 * level + seed;
      const byReason = {
        kept: rows,
        'split.kind': 12,
        'admit.duplicate': 3 + seed,
        'balance.not-drawn': Math.max(1, 20 - 2 * level),
      };
      const candidates = Object.values(byReason).reduce((sum, n) => sum + n, 0);
      const dataset = sha256(`${runId} dataset ${iteration}`);
      ledger.add(datasetDerived, {
        dataset,
        policy: { name: 'planted', digest: sha256('policy'), document: {} },
        projection: { name: 'trajectories', version: 1 },
        seed,
        ledger: { size: 1, root: sha256('root') },
        rows,
        candidates,
        byBucket: { SI: rows - 8, T: 8 },
        byReason,
        decisions: sha256('decisions'),
        manifest: sha256(`${runId} manifest ${iteration}`),
        scope: { runId, iteration, problemSet: 'sums' },
        tokenizer: null,
      });
      const configDigest = sha256('config');
      const base = { kind: 'checkpoint', digest: student.digest } as const;
      const config = { batchSize: 8, learningRate: 0.001 };
      ledger.add(trainingStarted, {
        trainingId,
        dataset,
        base,
        config,
        configDigest,
        seed,
        tokenizer: sha256('tokenizer'),
        graphs: {},
        steps: of.steps,
        environment,
      });
      ledger.add(stepRecorded, {
        trainingId,
        from: 1,
        steps: Array.from({ length: of.steps }, (_, i) => {
          const loss = 0.4 + (2 + 0.1 * seed) * Math.exp(-i / 40) - 0.02 * level + 0.05 * share('loss', i, seed, level);
          const sections = {
            attempt: { tokens: 90, loss },
            feedback: { tokens: 40, loss: loss * 0.7 },
            ...(i % 2 === 0 ? { improvement: { tokens: 50, loss: loss * 1.1 } } : {}),
          };
          return {
            step: i + 1,
            rows: [i % rows],
            tokens: 180,
            loss,
            lossBits: '3f800000',
            gradNorm: 1 / (i + 1),
            gradNormBits: '3f800000',
            learningRate: 0.001,
            sections,
            heldOutLoss: i % 20 === 19 ? loss * 1.05 : null,
          };
        }),
      });
      const weights = sha256(`weights of ${checkpoint}`);
      const receipt = {
        trainingId,
        dataset,
        configDigest,
        base: base.digest,
        steps: of.steps,
        chosenStep: of.steps,
        checkpoint,
        environment,
      };
      ledger.add(trainingCompleted, {
        ...receipt,
        firstLoss: 2,
        lastLoss: 1,
        fingerprints: sha256('fingerprints'),
        weights,
      });
      ledger.add(iterationCompleted, { runId, iteration, dataset, trainingId, checkpoint, rows });
    }
    const evaluationId = contentId(['evaluation', runId, iteration]);
    const items = itemsOf(of, level, seed, iteration, [runId, iteration]);
    ledger.add(evaluationRecorded, { evaluationId, checkpoint, problemSet: 'sums', config: {}, scores: {}, items });
    ledger.add(iterationScored, { runId, iteration, checkpoint, evaluationId });
  }
};

/** A ledger with one ablation whose every number is drawn from names: nothing in it was computed by a model. */
export const plantedLedger = (of: Planted = planted): LedgerBuilder => {
  const ledger = new LedgerBuilder();
  const arms = armsOf(of);
  const runOf = (arm: string, seed: number): string =>
    contentId(['planted run', arm, seed]).replaceAll('-', '').slice(0, 16);
  const matrix: Json = {
    arms: of.arms.map((arm): Json => [arm, [['policy.name', arm]]]),
    axes: of.axis.length === 0 ? [] : [[key, [...of.axis]]],
    metrics: ['accuracy.total', 'siFrequency.total'],
  };
  ledger.add(ablationStarted, {
    ablationId: contentId(['ablation', matrix, [...of.seeds]]),
    name: 'planted',
    matrix,
    vary: ['policy'],
    baseline: arms[0] ?? '',
    cells: of.seeds.flatMap((seed) =>
      arms.map((arm) => ({ arm, seed, runId: runOf(arm, seed), iterations: of.iterations })),
    ),
  });
  for (const seed of of.seeds)
    for (const [level, arm] of arms.entries())
      addRun(ledger, of, runOf(arm, seed), level, seed, of.iterations - (of.unfinished.includes(arm) ? 1 : 0));
  return ledger;
};

/** The report of the planted ablation, as `tripost report` makes it. */
export const plantedDocument = (of: Planted = planted): ReportDocument => documentOf(plantedLedger(of));

export const documentOf = ({ events }: LedgerBuilder): ReportDocument => {
  const known = project(experiments, events);
  const tree = createMerkleTree();
  for (const { leaf } of events) tree.append(leaf);
  const [ablationId = ''] = known.ablations.keys();
  return reportDocument(known, ablationId, {
    position: events.at(-1)?.position ?? null,
    size: events.length,
    root: tree.root(),
  });
};

/** Writes a ledger of events into a log, one by one. */
export const appendAll = async (log: EventLog, { events }: LedgerBuilder): Promise<void> => {
  for (const { id, type, version, data, stream } of events)
    await appendTo(log, stream, [{ id, type, version, data: definitionOf(type).codec.encode(data), meta: {} }]);
};
