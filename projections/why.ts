import type { LedgerEvent } from '../events/index';
import type { KnownEvent, Lineage } from './lineage';
import { ruleText } from './policies/rules';
import type { Decision } from './replayDataset';
import { node, type DatasetRows, type TraceNode } from './traceNode';

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

/** A retraction or a label that came behind a dataset. */
export interface LaterNote {
  readonly type: 'EventRetracted' | 'LabelGiven';
  readonly eventId: string;
  readonly about: string;
  readonly by: string;
  readonly says: string;
}

/** Notes on what these decisions stand on that come behind position `size`: the dataset knows nothing of them. */
export const notesSince = (
  events: readonly LedgerEvent[],
  size: number,
  decisions: readonly Decision[],
  { byTrajectory, problems }: Lineage,
): readonly LaterNote[] => {
  const about = new Set(
    decisions.flatMap(({ eventIds, trajectoryId, problemId }) => [
      ...eventIds,
      ...(trajectoryId === null ? [] : (byTrajectory.get(trajectoryId) ?? [])),
      ...(problems.get(problemId) ?? []),
    ]),
  );
  return events.flatMap((event): readonly LaterNote[] => {
    if (Number(event.position) <= size) return [];
    if (event.type !== 'EventRetracted' && event.type !== 'LabelGiven') return [];
    if (!about.has(event.data.eventId)) return [];
    const { eventId, by } = event.data;
    const says =
      event.type === 'EventRetracted' ? event.data.reason : `${event.data.label}=${JSON.stringify(event.data.value)}`;
    return [{ type: event.type, eventId: event.id, about: eventId, by, says }];
  });
};

/** Whether an id is the target, or begins with it. */
const matcher =
  (target: string) =>
  (id: string | null): boolean =>
    id !== null && (id === target || (target.length >= shortestPrefix && id.startsWith(target)));

/** The decisions that a target is about, and what it is; none where the target is in no candidate. */
export const decisionsAbout = (
  target: string,
  decisions: readonly Decision[],
): { readonly about: 'candidate' | 'text' | 'trajectory' | 'problem'; readonly decisions: readonly Decision[] } => {
  const is = matcher(target);
  const own = decisions.filter((d) => is(d.candidateId) || is(d.rowId));
  if (own.length > 0) return { about: 'candidate', decisions: own };
  const holding = decisions.filter((d) => d.eventIds.some(is));
  if (holding.length > 0) return { about: 'text', decisions: holding };
  const about = decisions.filter((d) => is(d.trajectoryId));
  if (about.length > 0) return { about: 'trajectory', decisions: about };
  return { about: 'problem', decisions: decisions.filter((d) => d.problemId === target) };
};

/** The decisions that answer for a target: those on it, or, where it is in no candidate, those on its trajectory. */
export const decisionsFor = (target: string, decisions: readonly Decision[], lineage: Lineage): readonly Decision[] => {
  const found = decisionsAbout(target, decisions).decisions;
  if (found.length > 0) return found;
  const trajectoryId = eventOf(target, lineage)?.trajectoryId ?? null;
  return trajectoryId === null ? [] : decisions.filter((d) => d.trajectoryId === trajectoryId);
};

const eventOf = (target: string, { events, byTrajectory, problems }: Lineage): KnownEvent | undefined => {
  const exact = events.get(target);
  // A whole id of something else begins no event's id; to look through a large ledger for it takes long.
  if (exact !== undefined || byTrajectory.has(target) || problems.has(target)) return exact;
  const is = matcher(target);
  for (const event of events.values()) if (is(event.id)) return event;
  return undefined;
};

/**
 * Why something is or is not in a dataset. The target is the id (or a prefix of six characters or more) of a row, a
 * candidate, a trajectory, a problem, or any event of a trajectory; the decisions are that dataset's. A text that is in
 * no candidate is explained by its refusal, or by the decisions on its trajectory.
 */
export const why = (target: string, decisions: readonly Decision[], lineage?: Lineage): TraceNode => {
  const { about, decisions: found } = decisionsAbout(target, decisions);
  if (found.length > 0)
    return node(
      `why ${about}`,
      target,
      { kept: found.filter((d) => d.kept).length, leftOut: found.filter((d) => !d.kept).length },
      found.map(decisionNode),
    );

  const event = lineage === undefined ? undefined : eventOf(target, lineage);
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
