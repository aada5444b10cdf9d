import type { JudgedLedger, JudgedTrajectory, Place, PosedProblem } from '../trajectory';

/** The part of the ledger a dataset is about; null means all of it. */
export interface Scope {
  readonly runId: string | null;
  readonly iteration: number | null;
  readonly problemSet: string | null;
}

/** A trajectory in scope, with the problem that it answers where the ledger holds it. */
export interface Asked {
  readonly trajectory: JudgedTrajectory;
  readonly problem: PosedProblem | undefined;
}

/** The iterations in scope: that one, or with `through` all up to it. */
export const iterationsIn = (
  all: Pick<JudgedLedger, 'iterations'>,
  scope: Scope,
  through: boolean,
): readonly JudgedLedger['iterations'][number][] =>
  all.iterations.filter(
    (i) =>
      (scope.runId === null || i.runId === scope.runId) &&
      (scope.iteration === null || (through ? i.iteration <= scope.iteration : i.iteration === scope.iteration)),
  );

/**
 * Which places are in scope, and the collections that they are in (null: of any). A run's are those of its iterations'
 * collections, which other runs may share.
 */
export const inScope = (
  all: Pick<JudgedLedger, 'iterations'>,
  scope: Scope,
  through: boolean,
): { readonly collections: ReadonlySet<string> | null; readonly accepts: (place: Place | null) => boolean } => {
  const { runId, iteration } = scope;
  if (runId !== null) {
    const ids = iterationsIn(all, scope, through).flatMap(({ collectionId }) => collectionId ?? []);
    const collections = new Set(ids);
    return { collections, accepts: (place) => place !== null && collections.has(place.collectionId) };
  }
  if (iteration === null) return { collections: null, accepts: () => true };
  const isIn = (n: number): boolean => (through ? n <= iteration : n === iteration);
  return { collections: null, accepts: (place) => place !== null && isIn(place.iteration) };
};

/** The trajectories in scope. */
export const trajectoriesIn = (all: JudgedLedger, scope: Scope, through: boolean): readonly JudgedTrajectory[] => {
  const { accepts } = inScope(all, scope, through);
  return all.trajectories.filter(({ place }) => accepts(place));
};

/** Finds the problem a trajectory answers: the one of its collection's problem set, else the first with that id. */
export const problemFinder = (all: JudgedLedger): ((trajectory: JudgedTrajectory) => PosedProblem | undefined) => {
  const byId = new Map<string, PosedProblem>();
  const bySet = new Map<string, PosedProblem>();
  for (const posed of all.problems) {
    const { problemId, set } = posed.problem;
    if (!byId.has(problemId)) byId.set(problemId, posed);
    bySet.set(JSON.stringify([set, problemId]), posed);
  }
  return ({ place }) => {
    if (place === null) return undefined;
    const set = all.collections.get(place.collectionId);
    const own = set === undefined ? undefined : bySet.get(JSON.stringify([set, place.problemId]));
    return own ?? byId.get(place.problemId);
  };
};

/** A text within a pass, an iteration, or everything: the key under which it counts as one. */
export const within = (
  scope: 'pass' | 'iteration' | 'scope',
  place: Pick<Place, 'collectionId' | 'pass'> | null,
): readonly (string | number)[] => {
  if (scope === 'scope' || place === null) return [];
  return scope === 'pass' ? [place.collectionId, place.pass] : [place.collectionId];
};
