import type { Author } from '../../events/codecs';
import { contentId } from '../../events/digest';
import { shuffledById } from '../random';
import type { Bucket, SectionKind } from '../replayDataset';
import type { Place, PosedProblem, Trajectory, Turn } from '../trajectory';
import type { Policy, UnitKind } from './policy';

/** A trajectory that select and admit let through, with its problem. */
export interface Admitted {
  readonly trajectory: Trajectory;
  readonly place: Place;
  readonly problem: PosedProblem;
}

export interface BareSection {
  readonly kind: SectionKind;
  readonly text: string;
  readonly eventId: string;
  readonly author: Author | null;
}

/** A possible row. Its id names bucket, events and kinds, not weights, so the row keeps it under any policy. */
export interface Unit {
  readonly id: string;
  readonly kind: UnitKind;
  readonly bucket: Bucket;
  readonly problem: PosedProblem;
  readonly trajectory: Trajectory | null;
  readonly place: Place | null;
  readonly sections: readonly BareSection[];
  readonly end: boolean;
}

const bucketOf: Readonly<Record<UnitKind, Bucket>> = {
  SI: 'SI',
  'T-first': 'T',
  'T-edited': 'T',
  'feedback-only': 'T',
  whole: 'SI',
  first: 'T',
  final: 'T',
  critique: 'T',
  pair: 'SI',
  answer: 'answer',
  gold: 'GT',
  'gold-answer': 'answer',
};

export const promptOf = ({ eventId, problem }: PosedProblem): BareSection => ({
  kind: 'prompt',
  text: problem.prompt,
  eventId,
  author: null,
});

/** A turn as a section of its own kind. */
const asIs = ({ kind, text, eventId, author }: Turn): BareSection => ({ kind, text, eventId, author });

/** An attempt, or an update in first-attempt form: without its header line `\nUpdated Answer: …`. */
export const asAttempt = ({ kind, text, eventId, author }: Turn): BareSection => {
  const body = kind === 'improvement' ? text.slice(Math.max(0, text.indexOf('\n', 1))) : text;
  return { kind: 'attempt', text: body, eventId, author };
};

/** An attempt in update form: under the header that the prompt's last line gives. */
const asImprovement = ({ text, eventId, author }: Turn, prompt: string): BareSection => {
  const header = prompt.slice(prompt.lastIndexOf('\n') + 1);
  return { kind: 'improvement', text: `\nUpdated ${header}${text}`, eventId, author };
};

/** The last line of a rationale: its final response. */
export const finalLine = (section: BareSection): BareSection => {
  const body = section.text.replace(/\n+$/, '');
  return { ...section, text: body.slice(Math.max(0, body.lastIndexOf('\n'))) };
};

export const unitOf = (
  kind: UnitKind,
  from: Admitted | PosedProblem,
  sections: readonly BareSection[],
  end: boolean,
): Unit => {
  const bucket = bucketOf[kind];
  const id = contentId(['row', bucket, sections.map((s) => [s.kind, s.eventId]), end]);
  const whence = 'trajectory' in from ? from : { problem: from, trajectory: null, place: null };
  const { problem, trajectory, place } = whence;
  return { id, kind, bucket, problem, trajectory, place, sections, end };
};

export const isAttempt = (turn: Turn): boolean => turn.kind !== 'feedback';

const feedbackAt = (trajectory: Trajectory, round: number): Turn | undefined =>
  trajectory.turns.find((t) => t.kind === 'feedback' && t.round === round);

/** §1.4: k attempts give k - 1 x_SI and 1 x_T; context is the previous attempt only. */
const turnUnits = (from: Admitted, truncate: boolean): Unit[] => {
  const { trajectory, problem } = from;
  const prompt = promptOf(problem);
  const attempts = trajectory.turns.filter(isAttempt);
  const units: Unit[] = [];
  for (const [i, attempt] of attempts.entries()) {
    const feedback = feedbackAt(trajectory, attempt.round);
    if (feedback === undefined) continue;
    const context = [prompt, asAttempt(attempt), asIs(feedback)];
    const next = attempts[i + 1];
    if (truncate) return [unitOf('feedback-only', from, context, false)];
    if (next !== undefined) units.push(unitOf('SI', from, [...context, asIs(next)], true));
    else if (feedback.verdict !== 'correct') units.push(unitOf('feedback-only', from, context, false));
    else units.push(unitOf(attempts.length === 1 ? 'T-first' : 'T-edited', from, context, true));
  }
  return units;
};

/** The whole trajectory as one row; one without an update is the same row that the turn split gives. */
const wholeUnits = (from: Admitted, truncate: boolean): Unit[] => {
  const { turns } = from.trajectory;
  if (truncate || !turns.some((t) => t.kind === 'improvement')) return turnUnits(from, truncate);
  const closed = turns[turns.length - 1]?.verdict === 'correct';
  return [unitOf('whole', from, [promptOf(from.problem), ...turns.map(asIs)], closed)];
};

const critiqueUnits = (from: Admitted): Unit[] => {
  const units: Unit[] = [];
  for (const attempt of from.trajectory.turns.filter(isAttempt)) {
    const feedback = feedbackAt(from.trajectory, attempt.round);
    if (feedback === undefined) continue;
    units.push(unitOf('critique', from, [promptOf(from.problem), asAttempt(attempt), asIs(feedback)], true));
  }
  return units;
};

/** How a trajectory becomes rows. */
export const splitModes = ['turns', 'whole', 'first', 'final', 'critique', 'answer', 'pairs'] as const;
type Mode = Policy['split']['trajectories'][number];

const unitsBy: Readonly<Record<Exclude<Mode, 'pairs'>, (from: Admitted, truncate: boolean) => Unit[]>> = {
  turns: turnUnits,
  whole: wholeUnits,
  critique: critiqueUnits,
  first: (from) => {
    const first = from.trajectory.turns.find(isAttempt);
    return first === undefined ? [] : [unitOf('first', from, [promptOf(from.problem), asAttempt(first)], true)];
  },
  final: (from) => {
    const last = from.trajectory.turns.findLast(isAttempt);
    return last === undefined ? [] : [unitOf('final', from, [promptOf(from.problem), asAttempt(last)], true)];
  },
  answer: (from) => {
    const first = from.trajectory.turns.find(isAttempt);
    if (first === undefined) return [];
    return [unitOf('answer', from, [promptOf(from.problem), finalLine(asAttempt(first))], true)];
  },
};

/** Each wrong first attempt with one right first attempt at the same problem, by a draw per pair. */
const pairUnits = (admitted: readonly Admitted[], seed: number): Map<string, { unit: Unit; partner: string }> => {
  const right = new Map<string, Admitted[]>();
  const wrong: Admitted[] = [];
  for (const each of admitted) {
    const verified = each.trajectory.verifications.find((v) => v.round === 0);
    if (verified === undefined) continue;
    if (!verified.answerCorrect) {
      wrong.push(each);
      continue;
    }
    const known = right.get(each.place.problemId);
    if (known === undefined) right.set(each.place.problemId, [each]);
    else known.push(each);
  }
  const pairs = new Map<string, { unit: Unit; partner: string }>();
  for (const from of wrong) {
    const id = from.trajectory.trajectoryId;
    const partners = right.get(from.place.problemId) ?? [];
    const [partner] = shuffledById(partners, (p) => p.trajectory.trajectoryId, [seed, 'pair', id]);
    const first = from.trajectory.turns.find(isAttempt);
    const better = partner?.trajectory.turns.find(isAttempt);
    if (partner === undefined || first === undefined || better === undefined) continue;
    const prompt = promptOf(from.problem);
    const sections = [prompt, asAttempt(first), asImprovement(better, prompt.text)];
    pairs.set(id, { unit: unitOf('pair', from, sections, true), partner: partner.trajectory.trajectoryId });
  }
  return pairs;
};

export interface Splits {
  readonly units: ReadonlyMap<string, readonly Unit[]>;
  readonly partners: ReadonlySet<string>;
}

/** The possible rows of every admitted trajectory, by trajectory id, without repeats; `partners` are in another's pair. */
export const splitAll = (admitted: readonly Admitted[], policy: Policy, seed: number): Splits => {
  const modes = policy.split.trajectories;
  const pairs = modes.includes('pairs')
    ? pairUnits(admitted, seed)
    : new Map<string, { unit: Unit; partner: string }>();
  const partners = new Set<string>();
  const units = new Map<string, readonly Unit[]>();
  for (const from of admitted) {
    const id = from.trajectory.trajectoryId;
    const truncate = from.trajectory.closing?.outcome === 'feedback-only' && policy.split.noProgress === 'truncate';
    const own = new Map<string, Unit>();
    for (const mode of modes) {
      if (mode === 'pairs') continue;
      for (const unit of unitsBy[mode](from, truncate)) if (!own.has(unit.id)) own.set(unit.id, unit);
    }
    const pair = pairs.get(id);
    if (pair !== undefined) {
      own.set(pair.unit.id, pair.unit);
      partners.add(pair.partner);
    }
    units.set(id, [...own.values()]);
  }
  return { units, partners };
};

export type GoldMode = Policy['split']['gold'][number];

/** Which kind of row a gold rationale gives in this form. */
export const goldKindOf = (mode: GoldMode): 'gold' | 'gold-answer' => (mode === 'answer' ? 'gold-answer' : 'gold');

/** The row that a gold rationale gives; undefined where it has not what the row needs. */
export const goldUnit = (from: PosedProblem, mode: GoldMode): Unit | undefined => {
  const { rationale, closingFeedback, source } = from.problem;
  const { eventId } = from;
  const author = source.kind === 'generated' ? 'script' : null;
  if (rationale === null) return undefined;
  const kind = goldKindOf(mode);
  const prompt = promptOf(from);
  const gold: BareSection = { kind: 'attempt', text: rationale, eventId, author };
  if (mode === 'answer') return unitOf(kind, from, [prompt, finalLine(gold)], true);
  if (mode === 'rationale') return unitOf(kind, from, [prompt, gold], true);
  if (closingFeedback === null) return undefined;
  const closing: BareSection = { kind: 'feedback', text: closingFeedback, eventId, author };
  return unitOf(kind, from, [prompt, gold, closing], true);
};
