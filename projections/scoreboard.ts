import type { EvaluationItem, JudgedAttempt } from '../events/evaluationRecorded';
import type { LedgerEvent } from '../events/index';
import { byText, mapFromJson, mapToJson, type Projection, pushTo } from './projection';

/**
 * Metrics of the paper's tables (tripost.md §5). a0 is an item's first attempt, aT its last; an update was tried when
 * there are two or more. Shares are of the part's items; null where there is nothing to divide by.
 */
export const metrics = [
  'items', // how many
  'accuracy', // aT right
  'directlyCorrect', // no update tried, a0 right
  'siFrequency', // an update tried
  'siContribution', // an update tried and aT right; accuracy = directlyCorrect + siContribution
  'siContributionStrict', // a0 wrong, aT right
  'firstCorrect', // a0 right
  'rightToWrong', // counts of a0 → aT among the items with an update
  'wrongToRight',
  'wrongToWrong',
  'rightToRight',
  'feedbackAccuracy', // own verdict and step equal the script's, of attempts with both that the script could read
  'feedbackVerdictAccuracy', // the verdict alone
  'feedbackJudged', // how many such attempts
] as const;
export type Metric = (typeof metrics)[number];
export const parts = ['total', 'seen', 'unseen'] as const;
export type Part = (typeof parts)[number];
export type ScoreName = `${Metric}.${Part}`;
export type Scores = Readonly<Record<ScoreName, number | null>>;

const share = (n: number, of: number): number | null => (of === 0 ? null : n / of);
const isRight = (attempt: JudgedAttempt | undefined): boolean => attempt?.correct === true;

const measure = (items: readonly EvaluationItem[]): Record<Metric, number | null> => {
  let right = 0;
  let firstRight = 0;
  let direct = 0;
  let tried = 0;
  const flips = { rightToWrong: 0, wrongToRight: 0, wrongToWrong: 0, rightToRight: 0 };
  let judged = 0;
  let sameVerdict = 0;
  let sameStep = 0;
  for (const { attempts } of items) {
    const before = isRight(attempts[0]);
    const after = isRight(attempts[attempts.length - 1]);
    if (after) right += 1;
    if (before) firstRight += 1;
    if (attempts.length >= 2) {
      tried += 1;
      if (before) flips[after ? 'rightToRight' : 'rightToWrong'] += 1;
      else flips[after ? 'wrongToRight' : 'wrongToWrong'] += 1;
    } else if (before) direct += 1;
    for (const { own, script } of attempts) {
      if (own === null || script === null || script.verdict === 'error') continue;
      judged += 1;
      if (own.verdict !== script.verdict) continue;
      sameVerdict += 1;
      if (own.step === script.step) sameStep += 1;
    }
  }
  const n = items.length;
  return {
    items: n,
    accuracy: share(right, n),
    directlyCorrect: share(direct, n),
    siFrequency: share(tried, n),
    siContribution: share(flips.rightToRight + flips.wrongToRight, n),
    siContributionStrict: share(flips.wrongToRight, n),
    firstCorrect: share(firstRight, n),
    ...flips,
    feedbackAccuracy: share(sameStep, judged),
    feedbackVerdictAccuracy: share(sameVerdict, judged),
    feedbackJudged: judged,
  };
};

const isComplete = (scores: Readonly<Partial<Record<ScoreName, number | null>>>): scores is Scores =>
  parts.every((part) => metrics.every((metric) => scores[`${metric}.${part}`] !== undefined));

/** All metrics over all items, over those of seen cells and those of unseen cells: what EvaluationRecorded.scores holds. */
export const scoresOf = (items: readonly EvaluationItem[]): Scores => {
  const byPart: Record<Part, readonly EvaluationItem[]> = {
    total: items,
    seen: items.filter((i) => i.seen),
    unseen: items.filter((i) => !i.seen),
  };
  const scores: Partial<Record<ScoreName, number | null>> = {};
  for (const part of parts) {
    const measured = measure(byPart[part]);
    for (const metric of metrics) scores[`${metric}.${part}`] = measured[metric];
  }
  if (!isComplete(scores)) throw new Error('scoresOf: a metric has no number');
  return scores;
};

/** Accuracy per difficulty cell. */
export interface CellScore {
  readonly cell: string;
  readonly seen: boolean;
  readonly items: number;
  readonly accuracy: number;
}

export const cellScores = (items: readonly EvaluationItem[]): readonly CellScore[] => {
  const cells = new Map<string, { seen: boolean; items: number; right: number }>();
  for (const { cell, seen, attempts } of items) {
    const known = cells.get(cell) ?? { seen, items: 0, right: 0 };
    known.items += 1;
    if (isRight(attempts[attempts.length - 1])) known.right += 1;
    cells.set(cell, known);
  }
  return [...cells]
    .map(([cell, c]) => ({ cell, seen: c.seen, items: c.items, accuracy: c.right / c.items }))
    .sort((a, b) => byText(a.cell, b.cell));
};

/** One evaluation, recomputed from its items; `recorded` are the scores that the evaluator wrote. */
export interface ScoreboardRow {
  readonly evaluationId: string;
  readonly eventId: string;
  readonly checkpoint: string;
  readonly problemSet: string;
  readonly scores: Scores;
  readonly cells: readonly CellScore[];
  readonly recorded: Readonly<Record<string, number | null>>;
}

/** An evaluation as the scoreboard shows it: with the runs that it serves, by run and iteration. */
export interface RankedRow extends ScoreboardRow {
  readonly runs: readonly { readonly runId: string; readonly iteration: number }[];
}

export interface ScoreboardState {
  readonly rows: Map<string, ScoreboardRow>;
  readonly retracted: Map<string, true>;
  /** By run and iteration. */
  readonly scored: Map<string, { readonly runId: string; readonly iteration: number; readonly evaluationId: string }>;
}

const apply = (state: ScoreboardState, event: LedgerEvent): void => {
  if (event.type === 'EventRetracted') state.retracted.set(event.data.eventId, true);
  if (event.type === 'IterationScored') {
    const { runId, iteration, evaluationId } = event.data;
    state.scored.set(`${runId}\n${iteration}`, { runId, iteration, evaluationId });
  }
  if (event.type !== 'EvaluationRecorded') return;
  const { evaluationId, checkpoint, problemSet, items, scores: recorded } = event.data;
  const measured = { scores: scoresOf(items), cells: cellScores(items), recorded };
  state.rows.set(event.id, { evaluationId, eventId: event.id, checkpoint, problemSet, ...measured });
};

/** Every evaluation that stands, by the first run and iteration that it serves, then by problem set; those of no run come last. */
export const scoreboard: Projection<ScoreboardState, readonly RankedRow[]> = {
  name: 'scoreboard',
  version: 2,
  initial: () => ({ rows: new Map(), retracted: new Map(), scored: new Map() }),
  apply,
  view: (state) => {
    const runsOf = new Map<string, RankedRow['runs'][number][]>();
    for (const { evaluationId, ...of } of state.scored.values()) {
      pushTo(runsOf, evaluationId, of);
    }
    for (const runs of runsOf.values()) runs.sort((a, b) => byText(a.runId, b.runId) || a.iteration - b.iteration);
    return [...state.rows.values()]
      .filter((row) => !state.retracted.has(row.eventId))
      .map((row): RankedRow => ({ ...row, runs: runsOf.get(row.evaluationId) ?? [] }))
      .sort((a, b) => {
        const [first, second] = [a.runs[0], b.runs[0]];
        if (first === undefined || second === undefined)
          return Number(first === undefined) - Number(second === undefined) || byText(a.evaluationId, b.evaluationId);
        return (
          byText(first.runId, second.runId) ||
          byText(a.problemSet, b.problemSet) ||
          first.iteration - second.iteration ||
          byText(a.evaluationId, b.evaluationId)
        );
      });
  },
  toJson: ({ rows, retracted, scored }) => ({
    rows: mapToJson(rows),
    retracted: mapToJson(retracted),
    scored: mapToJson(scored),
  }),
  fromJson: (json) => ({
    rows: mapFromJson(json, 'rows'),
    retracted: mapFromJson(json, 'retracted'),
    scored: mapFromJson(json, 'scored'),
  }),
};
