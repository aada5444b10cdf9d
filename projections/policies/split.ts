import type { Author } from '../../events/codecs';
import { contentId } from '../../events/digest';
import type { Bucket, SectionKind } from '../replayDataset';
import type { JudgedTrajectory, Place, PosedProblem, TextSource, Turn } from '../trajectory';
import type { Policy, UnitKind } from './policy';

/** A trajectory that select and admit let through, with its problem. */
export interface Admitted {
  readonly trajectory: JudgedTrajectory;
  readonly place: Place;
  readonly problem: PosedProblem;
}

/** A span of a possible row. Its text may have to be read first: it is taken from `source`, in one form or another. */
export interface BareSection {
  readonly kind: SectionKind;
  readonly text: string;
  readonly eventId: string;
  readonly author: Author | null;
  readonly source: TextSource;
}

/** A possible row. Its id names bucket, events and kinds, not weights, so the row keeps it under any policy. */
export interface Unit {
  readonly id: string;
  readonly kind: UnitKind;
  readonly bucket: Bucket;
  readonly problem: PosedProblem;
  readonly trajectory: JudgedTrajectory | null;
  readonly place: Place | null;
  readonly sections: readonly BareSection[];
  readonly end: boolean;
}

/** The same before it is known whose it is. */
export interface Cut {
  readonly kind: UnitKind;
  readonly sections: readonly BareSection[];
  readonly end: boolean;
}

export const bucketOf: Readonly<Record<UnitKind, Bucket>> = {
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

/** A section whose text is taken from its source when it is asked for. */
class TextSection implements BareSection {
  constructor(
    readonly kind: SectionKind,
    readonly source: TextSource,
    readonly author: Author | null,
    private readonly read: () => string,
  ) {}

  get eventId(): string {
    return this.source.eventId;
  }

  get text(): string {
    return this.read();
  }
}

export const promptOf = (posed: PosedProblem): BareSection =>
  new TextSection('prompt', posed, null, () => posed.problem.prompt);

/** A turn as a section of its own kind. */
const asIs = (turn: Turn): BareSection => new TextSection(turn.kind, turn, turn.author, () => turn.text);

/** An attempt, or an update in first-attempt form: without its header line `\nUpdated Answer: …`. */
export const asAttempt = (turn: Turn): BareSection =>
  new TextSection('attempt', turn, turn.author, () => {
    const { kind, text } = turn;
    return kind === 'improvement' ? text.slice(Math.max(0, text.indexOf('\n', 1))) : text;
  });

/** An attempt in update form: under the header that the prompt's last line gives. */
export const asImprovement = (turn: Turn, { problem }: PosedProblem): BareSection =>
  new TextSection('improvement', turn, turn.author, () => {
    const { prompt } = problem;
    const header = prompt.slice(prompt.lastIndexOf('\n') + 1);
    return `\nUpdated ${header}${turn.text}`;
  });

/** The last line of a rationale: its final response. */
export const finalLine = (section: BareSection): BareSection =>
  new TextSection(section.kind, section.source, section.author, () => {
    const body = section.text.replace(/\n+$/, '');
    return body.slice(Math.max(0, body.lastIndexOf('\n')));
  });

export const unitId = (kind: UnitKind, sections: readonly BareSection[], end: boolean): string =>
  contentId(['row', bucketOf[kind], sections.map((s) => [s.kind, s.eventId]), end]);

export const isAttempt = (turn: Turn): boolean => turn.kind !== 'feedback';

const feedbackAt = (trajectory: JudgedTrajectory, round: number): Turn | undefined =>
  trajectory.turns.find((t) => t.kind === 'feedback' && t.round === round);

/** §1.4: k attempts give k - 1 x_SI and 1 x_T; context is the previous attempt only. */
const turnCuts = (from: Admitted, truncate: boolean): Cut[] => {
  const { trajectory, problem } = from;
  const prompt = promptOf(problem);
  const attempts = trajectory.turns.filter(isAttempt);
  const cuts: Cut[] = [];
  for (const [i, attempt] of attempts.entries()) {
    const feedback = feedbackAt(trajectory, attempt.round);
    if (feedback === undefined) continue;
    const context = [prompt, asAttempt(attempt), asIs(feedback)];
    const next = attempts[i + 1];
    if (truncate) return [{ kind: 'feedback-only', sections: context, end: false }];
    if (next !== undefined) cuts.push({ kind: 'SI', sections: [...context, asIs(next)], end: true });
    else if (feedback.verdict !== 'correct') cuts.push({ kind: 'feedback-only', sections: context, end: false });
    else cuts.push({ kind: attempts.length === 1 ? 'T-first' : 'T-edited', sections: context, end: true });
  }
  return cuts;
};

/** The whole trajectory as one row; one without an update is the same row that the turn split gives. */
const wholeCuts = (from: Admitted, truncate: boolean): Cut[] => {
  const { turns } = from.trajectory;
  if (truncate || !turns.some((t) => t.kind === 'improvement')) return turnCuts(from, truncate);
  const closed = turns[turns.length - 1]?.verdict === 'correct';
  return [{ kind: 'whole', sections: [promptOf(from.problem), ...turns.map(asIs)], end: closed }];
};

const critiqueCuts = (from: Admitted): Cut[] => {
  const cuts: Cut[] = [];
  for (const attempt of from.trajectory.turns.filter(isAttempt)) {
    const feedback = feedbackAt(from.trajectory, attempt.round);
    if (feedback === undefined) continue;
    cuts.push({ kind: 'critique', sections: [promptOf(from.problem), asAttempt(attempt), asIs(feedback)], end: true });
  }
  return cuts;
};

/** How a trajectory becomes rows. */
export const splitModes = ['turns', 'whole', 'first', 'final', 'critique', 'answer', 'pairs'] as const;
type Mode = Policy['split']['trajectories'][number];

export const cutsBy: Readonly<Record<Exclude<Mode, 'pairs'>, (from: Admitted, truncate: boolean) => Cut[]>> = {
  turns: turnCuts,
  whole: wholeCuts,
  critique: critiqueCuts,
  first: (from) => {
    const first = from.trajectory.turns.find(isAttempt);
    return first === undefined
      ? []
      : [{ kind: 'first', sections: [promptOf(from.problem), asAttempt(first)], end: true }];
  },
  final: (from) => {
    const last = from.trajectory.turns.findLast(isAttempt);
    return last === undefined
      ? []
      : [{ kind: 'final', sections: [promptOf(from.problem), asAttempt(last)], end: true }];
  },
  answer: (from) => {
    const first = from.trajectory.turns.find(isAttempt);
    if (first === undefined) return [];
    return [{ kind: 'answer', sections: [promptOf(from.problem), finalLine(asAttempt(first))], end: true }];
  },
};

export type GoldMode = Policy['split']['gold'][number];

/** Which kind of row a gold rationale gives in this form. */
export const goldKindOf = (mode: GoldMode): 'gold' | 'gold-answer' => (mode === 'answer' ? 'gold-answer' : 'gold');

const goldSections = (posed: PosedProblem, mode: GoldMode): readonly BareSection[] => {
  const { problem } = posed;
  const { author } = posed.gold;
  const gold = new TextSection('attempt', posed, author, () => problem.rationale ?? '');
  if (mode === 'answer') return [promptOf(posed), finalLine(gold)];
  if (mode === 'rationale') return [promptOf(posed), gold];
  return [promptOf(posed), gold, new TextSection('feedback', posed, author, () => problem.closingFeedback ?? '')];
};

/** The row that a gold rationale gives; undefined where it has not what the row needs. */
export const goldUnit = (problem: PosedProblem, mode: GoldMode): Unit | undefined => {
  if (!problem.gold.rationale || (mode === 'closing' && !problem.gold.closing)) return undefined;
  const kind = goldKindOf(mode);
  const id = unitId(kind, goldSections(problem, mode), true);
  return {
    id,
    kind,
    bucket: bucketOf[kind],
    problem,
    trajectory: null,
    place: null,
    end: true,
    get sections() {
      return goldSections(problem, mode);
    },
  };
};
