import { canonicalJson, contentId, isMapping, type Json } from '../../events/digest';
import type { EventType, LedgerEvent } from '../../events/index';
import type { Step } from '../../events/stepRecorded';
import { pushTo } from '../../projections/projection';
import { scoresOf } from '../../projections/scoreboard';
import type { MetricPoint, MetricRun, Metrics, ModelCall } from './metricRun';
import type { Outline, OutlinedRun } from './outline';

/** The events that metrics are made of; model calls are many, and for one format alone. */
export const metricTypes: readonly EventType[] = [
  'DatasetDerived',
  'EvaluationRecorded',
  'StepRecorded',
  'TrainingCompleted',
  'TrainingStarted',
];
export const callTypes: readonly EventType[] = ['GenerationProduced'];

/** A run in the making. */
interface Draft {
  readonly id: string;
  readonly kind: MetricRun['kind'];
  readonly name: string;
  readonly path: readonly string[];
  readonly parent: string | null;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  started: number | null;
  complete: boolean;
  readonly points: MetricPoint[];
}

/** A name as one folder's: what file systems or other tools refuse becomes `_`. */
export const folderName = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9._=-]+/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, 100) || '_';

/** Every value of a document by its dotted path; lists are values. */
const leavesOf = (value: Json, path: string): readonly (readonly [string, string])[] => {
  if (isMapping(value))
    return Object.entries(value).flatMap(([key, below]) => leavesOf(below, path === '' ? key : `${path}.${key}`));
  return [[path === '' ? 'value' : path, typeof value === 'string' ? value : canonicalJson(value)]];
};

const hexId = (...of: readonly (string | number)[]): string => contentId(['metrics', ...of]).replaceAll('-', '');

const latencyOf = (observed: Json): number =>
  isMapping(observed) && typeof observed['latencyMs'] === 'number' ? observed['latencyMs'] : 0;

const stepPoints = (of: Step, time: number): readonly MetricPoint[] => {
  const { step, loss, gradNorm, learningRate, tokens, sections, heldOutLoss } = of;
  const values = [
    ['train/loss', loss] as const,
    ['train/gradNorm', gradNorm] as const,
    ['train/learningRate', learningRate] as const,
    ['train/tokens', tokens] as const,
    ...(heldOutLoss === null ? [] : [['train/heldOutLoss', heldOutLoss] as const]),
    ...Object.entries(sections).map(([section, its]) => [`train/sectionLoss/${section}`, its.loss] as const),
  ];
  return values.map(([metric, value]) => ({ metric, step, time, value }));
};

/**
 * Collects what one run, training or ablation measured, from events in the order of the ledger. What several runs share (a
 * training, a score) is given to each of them.
 */
export class MetricsCollector {
  private readonly drafts: Draft[] = [];
  private readonly trainings = new Map<string, Draft[]>();
  private readonly evaluations = new Map<string, { readonly draft: Draft; readonly iteration: number }[]>();
  private readonly datasets = new Map<string, { readonly draft: Draft; readonly iteration: number }[]>();
  private readonly collections = new Set<string>();
  private readonly calls: ModelCall[] = [];
  private readonly paths = new Set<string>();
  private readonly name: string;

  /** `id` is one of the outline's. */
  constructor(
    outline: Outline,
    private readonly id: string,
  ) {
    const ablation = outline.ablations.get(id);
    const run = outline.runs.get(id);
    this.name = ablation === undefined ? id : `${ablation.name} ${id}`;
    if (ablation !== undefined) {
      for (const { arm, seed, runId, iterations } of ablation.cells) {
        const of = outline.runs.get(runId);
        if (of !== undefined)
          this.addRun(of, `${arm}, seed ${seed}`, [arm, `seed-${seed}`], iterations, {
            arm,
            seed: String(seed),
            ablation: id,
          });
      }
    } else if (run !== undefined) this.addRun(run, `run ${id}`, [`run-${id}`], Number.POSITIVE_INFINITY, {});
    else if (outline.trainings.has(id)) this.addTraining(id, `training ${id}`, [`training-${id}`], null, {});
  }

  private draft(
    of: Pick<Draft, 'id' | 'kind' | 'name' | 'parent'>,
    path: readonly string[],
    tags: Readonly<Record<string, string>>,
  ): Draft {
    const folders = path.map(folderName);
    let last = folders.at(-1) ?? '_';
    for (let n = 2; this.paths.has([...folders.slice(0, -1), last].join('/').toLowerCase()); n++)
      last = `${folders.at(-1)}-${n}`;
    const unique = [...folders.slice(0, -1), last];
    this.paths.add(unique.join('/').toLowerCase());
    const draft: Draft = {
      ...of,
      path: unique,
      params: new Map(),
      tags: new Map(Object.entries(tags)),
      started: null,
      complete: false,
      points: [],
    };
    this.drafts.push(draft);
    return draft;
  }

  private addRun(
    run: OutlinedRun,
    name: string,
    path: readonly string[],
    most: number,
    tags: Readonly<Record<string, string>>,
  ): void {
    const id = hexId(this.id, ...path, run.runId);
    const draft = this.draft({ id, kind: 'run', name, parent: null }, path, { ...tags, run: run.runId });
    draft.started = run.started;
    for (const [key, value] of leavesOf(run.config, '')) draft.params.set(key, value);
    const planned = Math.min(most, Number(draft.params.get('iterations') ?? Math.max(0, ...run.iterations.keys())));
    draft.complete = run.iterations.get(planned)?.evaluationId !== undefined;
    for (const each of [...run.iterations.values()].sort((a, b) => a.iteration - b.iteration)) {
      const { iteration, collectionId, dataset, trainingId, evaluationId } = each;
      if (iteration > most) continue;
      if (evaluationId !== undefined) pushTo(this.evaluations, evaluationId, { draft, iteration });
      if (dataset !== undefined) pushTo(this.datasets, `${run.runId} ${iteration} ${dataset}`, { draft, iteration });
      if (collectionId !== undefined) this.collections.add(collectionId);
      if (trainingId !== undefined)
        this.addTraining(trainingId, `${name}, iteration ${iteration}`, [...draft.path, `iteration-${iteration}`], id, {
          ...tags,
          run: run.runId,
          iteration: String(iteration),
        });
    }
  }

  private addTraining(
    trainingId: string,
    name: string,
    path: readonly string[],
    parent: string | null,
    tags: Readonly<Record<string, string>>,
  ): void {
    const id = hexId(this.id, ...path, trainingId);
    pushTo(
      this.trainings,
      trainingId,
      this.draft({ id, kind: 'training', name, parent }, path, { ...tags, training: trainingId }),
    );
  }

  add(event: LedgerEvent): void {
    const time = Date.parse(event.recordedAt);
    if (event.type === 'TrainingStarted') {
      const { trainingId, config, seed, dataset, base } = event.data;
      for (const draft of this.trainings.get(trainingId) ?? []) {
        draft.started = time;
        for (const [key, value] of leavesOf(config, '')) draft.params.set(key, value);
        draft.params.set('seed', String(seed)).set('dataset', dataset);
        draft.params.set('base', base.kind === 'checkpoint' ? base.digest : 'scratch');
      }
    } else if (event.type === 'StepRecorded') {
      for (const draft of this.trainings.get(event.data.trainingId) ?? [])
        for (const step of event.data.steps) draft.points.push(...stepPoints(step, time));
    } else if (event.type === 'TrainingCompleted') {
      for (const draft of this.trainings.get(event.data.trainingId) ?? []) {
        draft.complete = true;
        draft.tags.set('checkpoint', event.data.checkpoint).set('weights', event.data.weights);
      }
    } else if (event.type === 'DatasetDerived') {
      const { scope, dataset, rows, candidates, byReason } = event.data;
      for (const { draft, iteration } of this.datasets.get(`${scope.runId} ${scope.iteration} ${dataset}`) ?? []) {
        const values = [
          ['dataset/rows', rows] as const,
          ['dataset/candidates', candidates] as const,
          ...Object.entries(byReason).flatMap(([rule, count]) =>
            rule === 'kept' ? [] : [[`dataset/lost/${rule}`, count] as const],
          ),
        ];
        draft.points.push(...values.map(([metric, value]) => ({ metric, step: iteration, time, value })));
      }
    } else if (event.type === 'EvaluationRecorded') {
      const of = this.evaluations.get(event.data.evaluationId) ?? [];
      const scores = of.length === 0 ? [] : Object.entries(scoresOf(event.data.items));
      for (const { draft, iteration } of of)
        for (const [name, value] of scores)
          if (value !== null) draft.points.push({ metric: `eval/${name}`, step: iteration, time, value });
    } else if (event.type === 'GenerationProduced') {
      const { data, id, observed } = event;
      // A text that was used again was no call.
      if (!this.collections.has(data.collectionId) || data.reusedFrom !== null) return;
      const { collectionId, trajectoryId, problemId, iteration, pass, call, author, model, sampling, finish, usage } =
        data;
      const place = { collectionId, trajectoryId, problemId, iteration, pass, call };
      const servedAs = data.served?.model ?? null;
      const latency = latencyOf(observed);
      this.calls.push({ eventId: id, ...place, author, model, sampling, finish, usage, servedAs, time, latency });
    }
  }

  metrics(): Metrics {
    const runs = this.drafts.map(({ params, tags, started, points, ...draft }): MetricRun => {
      const times = points.map(({ time }) => time);
      const first = started ?? times[0] ?? 0;
      const ended = times.reduce<number | null>((latest, time) => Math.max(latest ?? time, time), null);
      return { ...draft, params: [...params], tags: [...tags], started: first, ended, points };
    });
    return { id: this.id, name: this.name, runs, calls: this.calls };
  }
}
