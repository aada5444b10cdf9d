import { detailText, type RowPlace, type Start } from './impactStart';
import type { KnownCheckpoint, Lineage } from './lineage';
import { byText, pushTo } from './projection';
import type { DatasetRows } from './traceNode';

/**
 * What something reached. `depth` counts the trainings in between: a dataset that holds an event's own text has depth 0;
 * the training on it, its checkpoints and their evaluations have depth 1; so has a dataset with texts that one of these
 * checkpoints wrote; and so on, transitively. Each thing is named once, at its least depth.
 */
export interface Impact {
  /** Events whose texts are it, or were made from it, by anybody and at any depth. */
  readonly events: number;
  /** Those among them that are calls of a checkpoint that learnt from it. */
  readonly generations: number;
  readonly datasets: readonly ReachedDataset[];
  readonly trainings: readonly ReachedTraining[];
  readonly checkpoints: readonly ReachedCheckpoint[];
  readonly evaluations: readonly ReachedEvaluation[];
}

export interface ReachedDataset {
  readonly dataset: string;
  readonly depth: number;
  /** Rows that it reached, and how many there are. */
  readonly rows: number;
  readonly of: number;
  /** Rows with a text of the event itself, or made from it without a training in between. */
  readonly direct: number;
  readonly policies: readonly string[];
}

export interface ReachedTraining {
  readonly trainingId: string;
  readonly depth: number;
  readonly dataset: string;
  /** Steps that saw a row which it reached; none where it came by the checkpoint that the training began from. */
  readonly steps: number;
  readonly firstStep: number | null;
  /** Whether the checkpoint it began from had learnt from it. */
  readonly base: boolean;
}

export interface ReachedCheckpoint {
  readonly checkpoint: string;
  readonly depth: number;
  readonly trainingId: string | null;
  readonly step: number;
  readonly kind: string;
}

export interface ReachedEvaluation {
  readonly eventId: string;
  readonly depth: number;
  readonly checkpoint: string;
  readonly problemSet: string;
  /** `checkpoint`: it scored one that was reached; `problem`: it asked the problem itself. */
  readonly by: 'checkpoint' | 'problem';
}

/** What waits at one depth. */
interface Level {
  readonly events: string[];
  readonly rows: RowPlace[];
  readonly checkpoints: string[];
}

class ImpactWalk {
  private readonly levels: Level[] = [];
  private readonly events = new Set<string>();
  private generations = 0;
  /** Depth of each reached row, by dataset. */
  private readonly rows = new Map<string, Map<number, number>>();
  private readonly trainings = new Map<
    string,
    Omit<ReachedTraining, 'steps' | 'firstStep'> & { readonly seen: Set<number> }
  >();
  private readonly checkpoints = new Map<string, number>();
  private readonly evaluations = new Map<string, ReachedEvaluation>();
  private readonly madeFrom = new Map<string, string[]>();
  private readonly holding = new Map<string, RowPlace[]>();
  private readonly written = new Map<string, string[]>();
  private readonly savedBy = new Map<string, KnownCheckpoint[]>();

  constructor(
    private readonly lineage: Lineage,
    private readonly datasets: DatasetRows,
  ) {
    for (const { id, links, model } of lineage.events.values()) {
      for (const [role, parent] of Object.entries(links)) if (role !== 'event') pushTo(this.madeFrom, parent, id);
      if (model?.kind === 'checkpoint') pushTo(this.written, model.digest, id);
    }
    for (const each of [...lineage.checkpoints.values()].flat())
      if (each.trainingId !== null) pushTo(this.savedBy, each.trainingId, each);
    for (const [dataset, list] of datasets)
      for (const [index, row] of list.entries())
        for (const { eventId } of row.sections) pushTo(this.holding, eventId, { dataset, index });
  }

  private at(depth: number): Level {
    return (this.levels[depth] ??= { events: [], rows: [], checkpoints: [] });
  }

  walk(start: Start): void {
    const first = this.at(0);
    first.events.push(...start.events);
    first.rows.push(...start.rows);
    first.checkpoints.push(...start.checkpoints);
    for (let depth = 0; depth < this.levels.length; depth++) {
      const level = this.at(depth);
      for (const digest of level.checkpoints) this.takeCheckpoint(digest, depth);
      for (let id = level.events.pop(); id !== undefined; id = level.events.pop()) this.takeEvent(id, depth);
      this.takeRows(level.rows, depth);
    }
  }

  /** Evaluations that asked a problem, at depth 0; before the walk, so that this is what is said of them. */
  ask(problems: readonly string[], evaluated: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const [id, asked] of evaluated)
      if (problems.some((problem) => asked.has(problem))) this.score(id, 0, 'problem');
  }

  private score(eventId: string, depth: number, by: ReachedEvaluation['by']): void {
    const event = this.lineage.events.get(eventId);
    if (event === undefined || this.evaluations.has(eventId)) return;
    const [checkpoint, problemSet] = [detailText(event, 'checkpoint'), detailText(event, 'problemSet')];
    this.evaluations.set(eventId, { eventId, depth, checkpoint, problemSet, by });
  }

  private takeEvent(id: string, depth: number): void {
    if (this.events.has(id)) return;
    this.events.add(id);
    const level = this.at(depth);
    level.events.push(...(this.madeFrom.get(id) ?? []));
    level.rows.push(...(this.holding.get(id) ?? []));
  }

  private takeCheckpoint(digest: string, depth: number): void {
    if (this.checkpoints.has(digest)) return;
    this.checkpoints.set(digest, depth);
    for (const id of this.lineage.evaluations.get(digest) ?? []) this.score(id, depth, 'checkpoint');
    const calls = (this.written.get(digest) ?? []).filter((id) => !this.events.has(id));
    this.generations += calls.length;
    this.at(depth).events.push(...calls);
    for (const training of this.lineage.trainings.values())
      if (training.base === digest) this.takeTraining(training.trainingId, depth + 1, [], true);
  }

  private takeRows(places: readonly RowPlace[], depth: number): void {
    const fresh = new Map<string, Set<number>>();
    for (const { dataset, index } of places) {
      const known = this.rows.get(dataset) ?? new Map<number, number>();
      this.rows.set(dataset, known);
      if (known.has(index)) continue;
      known.set(index, depth);
      fresh.set(dataset, (fresh.get(dataset) ?? new Set()).add(index));
    }
    for (const { trainingId, dataset } of this.lineage.trainings.values()) {
      const rows = fresh.get(dataset);
      if (rows === undefined) continue;
      const steps = (this.lineage.steps.get(trainingId) ?? []).filter((each) => each.rows.some((row) => rows.has(row)));
      // Held out or not drawn: no step has learnt from it.
      if (steps.length > 0)
        this.takeTraining(
          trainingId,
          depth + 1,
          steps.map((each) => each.step),
          false,
        );
    }
  }

  private takeTraining(trainingId: string, depth: number, steps: readonly number[], byBase: boolean): void {
    const known = this.trainings.get(trainingId);
    const dataset = this.lineage.trainings.get(trainingId)?.dataset ?? '';
    const seen = new Set([...(known?.seen ?? []), ...steps]);
    const base = byBase || (known?.base ?? false);
    this.trainings.set(trainingId, { trainingId, dataset, depth: known?.depth ?? depth, seen, base });
    const first = byBase ? 0 : Math.min(...seen);
    for (const { checkpoint, step } of this.savedBy.get(trainingId) ?? [])
      if (step >= first) this.at(depth).checkpoints.push(checkpoint);
  }

  result(): Impact {
    const datasets = [...this.rows].flatMap(([dataset, reached]): readonly ReachedDataset[] => {
      const depths = [...reached.values()];
      const policies = (this.lineage.datasets.get(dataset) ?? []).map((each) => each.policy.name);
      const of = this.datasets.get(dataset)?.length ?? 0;
      const direct = depths.filter((each) => each === 0).length;
      const facts = { rows: depths.length, of, direct, policies: [...new Set(policies)] };
      return depths.length === 0 ? [] : [{ dataset, depth: Math.min(...depths), ...facts }];
    });
    const checkpoints = [...this.checkpoints].flatMap(([checkpoint, depth]): readonly ReachedCheckpoint[] =>
      (this.lineage.checkpoints.get(checkpoint) ?? []).map(({ trainingId, step, kind }) => {
        return { checkpoint, depth, trainingId, step, kind };
      }),
    );
    const trainings = [...this.trainings.values()].map(({ seen, ...rest }): ReachedTraining => {
      return { ...rest, steps: seen.size, firstStep: seen.size === 0 ? null : Math.min(...seen) };
    });
    return {
      events: this.events.size,
      generations: this.generations,
      datasets: datasets.sort(inOrder(({ dataset }) => dataset)),
      trainings: trainings.sort(inOrder(({ trainingId }) => trainingId)),
      checkpoints: checkpoints.sort(inOrder(({ checkpoint, step }) => `${checkpoint} ${step}`)),
      evaluations: [...this.evaluations.values()].sort(inOrder(({ eventId }) => eventId)),
    };
  }
}

const inOrder =
  <V extends { readonly depth: number }>(idOf: (value: V) => string) =>
  (a: V, b: V): number =>
    a.depth - b.depth || byText(idOf(a), idOf(b));

/**
 * Everything that was made from something, transitively. `rows`: the rows of every dataset that is at hand; `evaluated`:
 * the problems that each evaluation asked, by its event. A dataset where a candidate only lost its place to it (a draw, a
 * vote, a duplicate) is not reached: no text of it is there.
 */
export const impactOf = (
  start: Start,
  lineage: Lineage,
  rows: DatasetRows,
  evaluated: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
): Impact => {
  const walk = new ImpactWalk(lineage, rows);
  walk.ask(start.problems, evaluated);
  walk.walk(start);
  return walk.result();
};
