import type { Lineage } from './lineage';
import { ruleText } from './policies/rules';
import type { Decision } from './replayDataset';
import { node, type DatasetRows, type TraceNode } from './trace';

export type FoundKind =
  | 'event'
  | 'row'
  | 'candidate'
  | 'trajectory'
  | 'checkpoint'
  | 'dataset'
  | 'training'
  | 'problem';
export interface Found {
  readonly kind: FoundKind;
  readonly id: string;
}

/** Shortest prefix that is looked up. */
export const shortestPrefix = 6;

/** Everything whose id begins with this text (whole ids shorter than six characters match exactly), each id once. */
export const findById = (
  prefix: string,
  {
    lineage,
    rows = new Map(),
    decisions = [],
  }: {
    readonly lineage: Lineage;
    readonly rows?: DatasetRows;
    readonly decisions?: readonly Decision[];
  },
): readonly Found[] => {
  const found = new Map<string, Found>();
  const look = (kind: FoundKind, ids: Iterable<string>): void => {
    for (const id of ids) {
      const hit = id === prefix || (prefix.length >= shortestPrefix && id.startsWith(prefix));
      if (hit && !found.has(id)) found.set(id, { kind, id });
    }
  };
  for (const list of rows.values())
    look(
      'row',
      list.map((r) => r.id),
    );
  look('event', lineage.events.keys());
  look('trajectory', lineage.byTrajectory.keys());
  look('dataset', lineage.datasets.keys());
  look('dataset', lineage.imports.keys());
  look('checkpoint', lineage.checkpoints.keys());
  look('training', lineage.trainings.keys());
  look('problem', lineage.problems.keys());
  look(
    'candidate',
    decisions.map((d) => d.candidateId),
  );
  const exact = found.get(prefix);
  return exact === undefined ? [...found.values()] : [exact];
};

/** One decision as a node: the rule in words, what it measured, against what. */
export const decisionNode = (decision: Decision): TraceNode => {
  const { kept, kind, rule, value, threshold, rowId, candidateId, detail, iteration, pass, problemId, trajectoryId } =
    decision;
  const facts = {
    kind,
    rule,
    says: ruleText(rule),
    value,
    threshold,
    detail,
    problemId,
    trajectoryId,
    iteration,
    pass,
  };
  return node(kept ? 'kept as row' : 'left out', rowId ?? candidateId, facts);
};

/**
 * Why something is or is not in a dataset. The target is the id (or a prefix of six characters or more) of a row, a
 * candidate, a trajectory, a problem, or any event of a trajectory; the decisions are that dataset's. A text that is in
 * no candidate is explained by its refusal, or by the decisions on its trajectory.
 */
export const why = (target: string, decisions: readonly Decision[], lineage?: Lineage): TraceNode => {
  const is = (id: string | null): boolean =>
    id !== null && (id === target || (target.length >= shortestPrefix && id.startsWith(target)));
  const answer = (about: string, found: readonly Decision[]): TraceNode =>
    node(
      `why ${about}`,
      target,
      { kept: found.filter((d) => d.kept).length, leftOut: found.filter((d) => !d.kept).length },
      found.map(decisionNode),
    );

  const own = decisions.filter((d) => is(d.candidateId) || is(d.rowId));
  if (own.length > 0) return answer('candidate', own);
  const holding = decisions.filter((d) => d.eventIds.some(is));
  if (holding.length > 0) return answer('text', holding);
  const about = decisions.filter((d) => is(d.trajectoryId));
  if (about.length > 0) return answer('trajectory', about);
  const problem = decisions.filter((d) => d.problemId === target);
  if (problem.length > 0) return answer('problem', problem);

  const event = lineage === undefined ? undefined : [...lineage.events.values()].find((e) => is(e.id));
  if (event === undefined) return node('why', target, { answer: 'No candidate of this dataset has that id.' });
  const siblings = event.trajectoryId === null ? [] : decisions.filter((d) => d.trajectoryId === event.trajectoryId);
  const { rule, expected, got } = event.detail;
  const refused =
    event.type === 'TurnRefused'
      ? [node('refused in collection', event.id, { rule: rule ?? null, expected: expected ?? null, got: got ?? null })]
      : [];
  const detail =
    siblings.length > 0
      ? "It is in no candidate; these are its trajectory's."
      : 'It is not in the scope of this dataset.';
  return node(`why ${event.type}`, event.id, { answer: detail }, [...refused, ...siblings.map(decisionNode)]);
};
