import { pushTo } from '../projection';
import { shuffledById } from '../random';
import type { Bucket } from '../replayDataset';
import type { JudgedTrajectory, Place, PosedProblem, Turn } from '../trajectory';
import type { Policy, UnitKind } from './policy';
import {
  asAttempt,
  asImprovement,
  bucketOf,
  cutsBy,
  isAttempt,
  promptOf,
  unitId,
  type Admitted,
  type BareSection,
  type Cut,
  type Unit,
} from './split';

/** For each wrong first attempt the place of a right one at the same problem, by a draw per pair. */
const pairsOf = (admitted: readonly (Admitted | undefined)[], seed: number): ReadonlyMap<number, number> => {
  const right = new Map<string, number[]>();
  const wrong: number[] = [];
  for (const [at, each] of admitted.entries()) {
    const verified = each?.trajectory.verifications.find((v) => v.round === 0);
    if (each === undefined || verified === undefined) continue;
    if (!verified.answerCorrect) {
      wrong.push(at);
      continue;
    }
    pushTo(right, each.place.problemId, at);
  }
  const idAt = (at: number): string => admitted[at]?.trajectory.trajectoryId ?? '';
  const firstAt = (at: number | undefined): Turn | undefined => admitted[at ?? -1]?.trajectory.turns.find(isAttempt);
  const pairs = new Map<number, number>();
  for (const at of wrong) {
    const partners = right.get(admitted[at]?.place.problemId ?? '') ?? [];
    const [partner] = shuffledById(partners, idAt, [seed, 'pair', idAt(at)]);
    if (partner === undefined || firstAt(at) === undefined || firstAt(partner) === undefined) continue;
    pairs.set(at, partner);
  }
  return pairs;
};

/** A row of a trajectory: which of the cuts it is; the sections are cut again when they are asked for. */
class TrajectoryUnit implements Unit {
  constructor(
    readonly id: string,
    readonly kind: UnitKind,
    readonly end: boolean,
    private readonly from: Admitted,
    private readonly nth: number,
    private readonly splits: Splits,
  ) {}

  get bucket(): Bucket {
    return bucketOf[this.kind];
  }

  get problem(): PosedProblem {
    return this.from.problem;
  }

  get trajectory(): JudgedTrajectory {
    return this.from.trajectory;
  }

  get place(): Place {
    return this.from.place;
  }

  get sections(): readonly BareSection[] {
    return this.splits.cutsOf(this.from)[this.nth]?.sections ?? [];
  }
}

/** Pairs are the last cuts of a trajectory; the partner's first attempt is in one. */
const pairCut = (from: Admitted, partner: Admitted | undefined): readonly Cut[] => {
  const first = from.trajectory.turns.find(isAttempt);
  const better = partner?.trajectory.turns.find(isAttempt);
  if (first === undefined || better === undefined) return [];
  const sections = [promptOf(from.problem), asAttempt(first), asImprovement(better, from.problem)];
  return [{ kind: 'pair', sections, end: true }];
};

/** The possible rows of trajectories: of every one by its place, without repeats. */
export class Splits {
  private readonly units: (readonly Unit[])[] = [];
  private readonly partnerOf = new Map<Admitted, Admitted>();
  private readonly partners = new Set<string>();
  private last: { readonly from: Admitted; readonly cuts: readonly Cut[] } | undefined;

  constructor(
    admitted: readonly (Admitted | undefined)[],
    private readonly policy: Policy,
    seed: number,
  ) {
    const pairs = policy.split.trajectories.includes('pairs') ? pairsOf(admitted, seed) : new Map<number, number>();
    for (const [at, partner] of pairs) {
      const [from, better] = [admitted[at], admitted[partner]];
      if (from === undefined || better === undefined) continue;
      this.partnerOf.set(from, better);
      this.partners.add(better.trajectory.trajectoryId);
    }
    for (const from of admitted) this.units.push(from === undefined ? [] : this.unitsOf(from));
  }

  at(place: number): readonly Unit[] {
    return this.units[place] ?? [];
  }

  /** Whether it is the right one of another one's pair. */
  isPartner(trajectoryId: string): boolean {
    return this.partners.has(trajectoryId);
  }

  /** All cuts of a trajectory, repeats too. Rows of one trajectory follow one another, so the last cuts are kept. */
  cutsOf(from: Admitted): readonly Cut[] {
    if (this.last?.from !== from) this.last = { from, cuts: this.cut(from) };
    return this.last.cuts;
  }

  private cut(from: Admitted): readonly Cut[] {
    const { noProgress, trajectories } = this.policy.split;
    const truncate = from.trajectory.closing?.outcome === 'feedback-only' && noProgress === 'truncate';
    const cuts = trajectories.flatMap((mode) => (mode === 'pairs' ? [] : cutsBy[mode](from, truncate)));
    const partner = this.partnerOf.get(from);
    return partner === undefined ? cuts : [...cuts, ...pairCut(from, partner)];
  }

  private unitsOf(from: Admitted): readonly Unit[] {
    const own = new Map<string, Unit>();
    for (const [nth, { kind, sections, end }] of this.cutsOf(from).entries()) {
      const id = unitId(kind, sections, end);
      if (!own.has(id)) own.set(id, new TrajectoryUnit(id, kind, end, from, nth, this));
    }
    return [...own.values()];
  }
}
