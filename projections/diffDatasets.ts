import type { Measured } from './policies/rule';
import type { UnitKind } from './policies/policy';
import { pushTo } from './projection';
import type { Bucket, Decision, Row, SectionKind } from './replayDataset';
import { RowTotals, type Share, type Total, type Totals, type Weigh } from './rowTotals';
import { ownerOf } from './watched';

/** One of two datasets: its rows in order, and its decisions where they are at hand. */
export interface Side {
  readonly rows: readonly Row[];
  readonly decisions: readonly Decision[] | undefined;
}

/** What decided over a row in the dataset that does not hold it. */
export interface Decider {
  /** Null where no rule did: it was no candidate there. */
  readonly rule: string | null;
  readonly value: Measured;
  readonly threshold: Measured;
  readonly detail: string | null;
}

/** A row that is not the same in both. */
export interface RowDifference {
  readonly id: string;
  readonly change: 'added' | 'removed' | 'reweighted' | 'reordered' | 'reweighted and reordered';
  readonly bucket: Bucket;
  readonly kind: UnitKind | null;
  readonly problemId: string;
  readonly trajectoryId: string | null;
  readonly iteration: number | null;
  /** Places in the two datasets, from 0. */
  readonly from: number | null;
  readonly to: number | null;
  /** Sections whose weights differ, by their place in the row. */
  readonly weights: readonly {
    readonly section: number;
    readonly kind: SectionKind;
    readonly from: number;
    readonly to: number;
  }[];
  /** Of a row that one dataset lacks: what decided there. */
  readonly decidedBy: Decider | null;
}

export interface DatasetDiff {
  /** Every row of both: a = unchanged + changed + removed, b = unchanged + changed + added. */
  readonly rows: {
    readonly a: number;
    readonly b: number;
    readonly added: number;
    readonly removed: number;
    readonly unchanged: number;
    readonly reweighted: number;
    readonly reordered: number;
    readonly reweightedAndReordered: number;
  };
  readonly all: Total;
  readonly byBucket: Totals;
  readonly byKind: Totals;
  readonly byIteration: Totals;
  /** `rows` counts the rows that have such a section. */
  readonly bySection: Readonly<Record<string, { readonly a: Share; readonly b: Share }>>;
  /** Removed rows in the order of a, then all others in the order of b. */
  readonly differences: readonly RowDifference[];
}

/**
 * The places that stay when all others are moved: a longest increasing run of `places`, as indices into it. So the fewest
 * rows are said to have moved, whatever was added or removed between them.
 */
export const longestRun = (places: readonly number[]): ReadonlySet<number> => {
  const tails: number[] = [];
  const before: number[] = [];
  for (const [i, place] of places.entries()) {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[tails[middle] ?? 0] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    before.push(low === 0 ? -1 : (tails[low - 1] ?? -1));
    tails[low] = i;
  }
  const kept = new Set<number>();
  for (let at = tails[tails.length - 1] ?? -1; at >= 0; at = before[at] ?? -1) kept.add(at);
  return kept;
};

interface Known {
  readonly byCandidate: ReadonlyMap<string, Decision>;
  readonly byOwner: ReadonlyMap<string, readonly Decision[]>;
}

const knownOf = (decisions: readonly Decision[]): Known => {
  const byCandidate = new Map<string, Decision>();
  const byOwner = new Map<string, Decision[]>();
  for (const decision of decisions) {
    byCandidate.set(decision.candidateId, decision);
    pushTo(byOwner, ownerOf(decision), decision);
  }
  return { byCandidate, byOwner };
};

const undecided = (detail: string): Decider => ({ rule: null, value: null, threshold: null, detail });

/** Why a row is not in a dataset that does not hold it. */
const deciderOf = (row: Row, known: Known | undefined): Decider => {
  if (known === undefined) return undecided('the decisions of the other dataset are missing');
  const own = known.byCandidate.get(row.id);
  const owner = row.trajectoryId ?? row.sections[0]?.eventId ?? '';
  const about = known.byOwner.get(owner) ?? [];
  const whole = own ?? about.find(({ kind, kept }) => !kept && (kind === 'trajectory' || row.trajectoryId === null));
  if (whole !== undefined) {
    const { rule, value, threshold, detail } = whole;
    return { rule, value, threshold, detail };
  }
  if (about.length === 0)
    return undecided('it is not in the scope of the other dataset, or its trajectory gave no row');
  return undecided(`the other dataset splits it otherwise: ${[...new Set(about.map(({ kind }) => kind))].join(', ')}`);
};

const kindOf = (row: Row, ...sides: readonly (Known | undefined)[]): UnitKind | null => {
  for (const known of sides) {
    const kind = known?.byCandidate.get(row.id)?.kind;
    if (kind !== undefined && kind !== 'trajectory') return kind;
  }
  return null;
};

const weightsOf = (a: Row, b: Row): RowDifference['weights'] =>
  a.sections.flatMap(({ kind, weight: from }, section) => {
    const to = b.sections[section]?.weight ?? from;
    return from === to ? [] : [{ section, kind, from, to }];
  });

/** What separates two datasets, row by row: each row of both is accounted for once. */
export const diffDatasets = (a: Side, b: Side, weigh: Weigh): DatasetDiff => {
  const [knownA, knownB] = [a.decisions && knownOf(a.decisions), b.decisions && knownOf(b.decisions)];
  const inA = new Map(a.rows.map((row, index) => [row.id, { row, index }]));
  const inB = new Map(b.rows.map((row, index) => [row.id, index]));
  const common = a.rows.filter(({ id }) => inB.has(id));
  const stays = longestRun(common.map(({ id }) => inB.get(id) ?? 0));
  const moved = new Set(common.filter((_, i) => !stays.has(i)).map(({ id }) => id));
  const classes = new RowTotals();
  const removed: RowDifference[] = [];
  const others: RowDifference[] = [];
  const rows = { unchanged: 0, reweighted: 0, reordered: 0, reweightedAndReordered: 0, added: 0, removed: 0 };
  const describe = (
    { id, bucket, problemId, trajectoryId, iteration }: Row,
    kind: UnitKind | null,
    change: RowDifference['change'],
    rest: Pick<RowDifference, 'from' | 'to' | 'weights' | 'decidedBy'>,
  ): RowDifference => ({ id, change, bucket, kind, problemId, trajectoryId, iteration, ...rest });

  for (const [from, row] of a.rows.entries()) {
    const kind = kindOf(row, knownA, knownB);
    classes.weigh('a', row, kind, weigh(row));
    if (inB.has(row.id)) continue;
    rows.removed += 1;
    classes.count(row, kind, ['removed']);
    removed.push(describe(row, kind, 'removed', { from, to: null, weights: [], decidedBy: deciderOf(row, knownB) }));
  }
  for (const [to, row] of b.rows.entries()) {
    const kind = kindOf(row, knownA, knownB);
    classes.weigh('b', row, kind, weigh(row));
    const before = inA.get(row.id);
    if (before === undefined) {
      rows.added += 1;
      classes.count(row, kind, ['added']);
      others.push(describe(row, kind, 'added', { from: null, to, weights: [], decidedBy: deciderOf(row, knownA) }));
      continue;
    }
    const weights = weightsOf(before.row, row);
    const isMoved = moved.has(row.id);
    if (weights.length === 0 && !isMoved) {
      rows.unchanged += 1;
      continue;
    }
    if (weights.length > 0 && isMoved) rows.reweightedAndReordered += 1;
    else if (isMoved) rows.reordered += 1;
    else rows.reweighted += 1;
    const both = weights.length > 0 && isMoved;
    const change = both ? 'reweighted and reordered' : isMoved ? 'reordered' : 'reweighted';
    classes.count(row, kind, both ? ['reweighted', 'reordered'] : [isMoved ? 'reordered' : 'reweighted']);
    others.push(describe(row, kind, change, { from: before.index, to, weights, decidedBy: null }));
  }
  return {
    rows: { a: a.rows.length, b: b.rows.length, ...rows },
    all: classes.all,
    byBucket: classes.bucket.totals,
    byKind: classes.kind.totals,
    byIteration: classes.iteration.totals,
    bySection: Object.fromEntries(
      Object.entries(classes.section.totals).map(([section, total]) => [section, { a: total.a, b: total.b }]),
    ),
    differences: [...removed, ...others],
  };
};
