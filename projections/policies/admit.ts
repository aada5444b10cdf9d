import { shuffledById } from '../random';
import type { Place, PosedProblem, Trajectories, Trajectory } from '../trajectory';
import type { Policy } from './policy';
import { asAttempt, isAttempt, type Admitted } from './split';

/** The part of the ledger a dataset is about; null means all of it. */
export interface Scope {
  readonly runId: string | null;
  readonly iteration: number | null;
  readonly problemSet: string | null;
}

/** Why a candidate is out: the rule, what it measured, against what. */
export interface Refusal {
  readonly rule: string;
  readonly value: number | string | null;
  readonly threshold: number | string | null;
  readonly detail: string | null;
}

export const refusal = (
  rule: string,
  value: Refusal['value'] = null,
  threshold: Refusal['threshold'] = null,
  detail: string | null = null,
): Refusal => ({ rule, value, threshold, detail });

/** The iterations in scope: that one, or with `through` all up to it. */
export const iterationsIn = (
  all: Trajectories,
  scope: Scope,
  through: boolean,
): readonly Trajectories['iterations'][number][] =>
  all.iterations.filter(
    (i) =>
      (scope.runId === null || i.runId === scope.runId) &&
      (scope.iteration === null || (through ? i.iteration <= scope.iteration : i.iteration === scope.iteration)),
  );

/** The trajectories in scope. A run's are those of its iterations' collections, which other runs may share. */
export const trajectoriesIn = (all: Trajectories, scope: Scope, through: boolean): readonly Trajectory[] => {
  const { runId, iteration } = scope;
  if (runId !== null) {
    const collections = new Set(iterationsIn(all, scope, through).map((i) => i.collectionId));
    return all.trajectories.filter(({ place }) => place !== null && collections.has(place.collectionId));
  }
  if (iteration === null) return all.trajectories;
  return all.trajectories.filter(
    ({ place }) => place !== null && (through ? place.iteration <= iteration : place.iteration === iteration),
  );
};

/** Finds the problem a trajectory answers: the one of its collection's problem set, else the first with that id. */
export const problemFinder = (all: Trajectories): ((trajectory: Trajectory) => PosedProblem | undefined) => {
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

const firstAnswerOf = (trajectory: Trajectory) => trajectory.verifications.find((v) => v.round === 0);

/** The answer most first attempts give, per problem; ties go to the answer that sorts first. Counts beside it. */
const votesOf = (candidates: readonly Trajectory[]): Map<string, { answer: string; counts: Map<string, number> }> => {
  const counted = new Map<string, Map<string, number>>();
  for (const trajectory of candidates) {
    const answer = firstAnswerOf(trajectory)?.answer ?? null;
    if (trajectory.place === null || answer === null) continue;
    const counts = counted.get(trajectory.place.problemId) ?? new Map<string, number>();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
    counted.set(trajectory.place.problemId, counts);
  }
  const votes = new Map<string, { answer: string; counts: Map<string, number> }>();
  for (const [problemId, counts] of counted) {
    let winner = '';
    let most = 0;
    for (const [answer, n] of counts) {
      if (n > most || (n === most && answer < winner)) {
        winner = answer;
        most = n;
      }
    }
    votes.set(problemId, { answer: winner, counts });
  }
  return votes;
};

const retractedOf = (all: Trajectories, eventIds: readonly string[]): Refusal | undefined => {
  for (const id of eventIds) {
    const note = all.retractions.get(id);
    if (note !== undefined) return refusal('admit.retracted', id, null, `${note.by}: ${note.reason}`);
  }
  return undefined;
};

/** A retracted problem, for gold rows. */
export const goldRetraction = (all: Trajectories, posed: PosedProblem): Refusal | undefined =>
  retractedOf(all, [posed.eventId]);

const labelOf = (all: Trajectories, eventIds: readonly string[], unwanted: readonly string[]): Refusal | undefined => {
  for (const id of eventIds) {
    for (const { label, value, by } of all.labels.get(id) ?? []) {
      if (value === true && unwanted.includes(label)) return refusal('admit.label', label, null, `on ${id}, by ${by}`);
    }
  }
  return undefined;
};

/** The rules that look at one trajectory, in the order in which they are asked. */
const judgeAlone = (
  all: Trajectories,
  policy: Policy,
  trajectory: Trajectory,
  problem: PosedProblem | undefined,
): Refusal | undefined => {
  const { select, admit } = policy;
  if (!select.sources.includes('trajectories'))
    return refusal('select.source', 'trajectories', select.sources.join(', '));
  if (problem === undefined) return refusal('select.unknown-problem', trajectory.place?.problemId ?? null);
  if (problem.problem.split !== 'train') return refusal('select.split', problem.problem.split, 'train');
  const { turns, verifications, calls, closing } = trajectory;
  const events = [...turns, ...verifications, ...calls].map((e) => e.eventId);
  if (closing !== null) events.push(closing.eventId);
  const retracted = retractedOf(all, [...events, problem.eventId]);
  if (retracted !== undefined) return retracted;
  if (closing === null) return refusal('collect.open');
  if (!admit.outcomes.includes(closing.outcome)) {
    return refusal(`collect.${closing.reason}`, closing.outcome, admit.outcomes.join(', '), closing.detail);
  }
  if (!turns.some(isAttempt)) return refusal('admit.no-attempt', closing.outcome, null, closing.reason);
  for (const turn of turns) {
    const allowed = select.authors[turn.kind];
    if (allowed.includes(turn.author)) continue;
    return refusal('select.author', turn.author, allowed.join(', '), `${turn.kind} of round ${turn.round}`);
  }
  const labelled = labelOf(all, [...events, problem.eventId], admit.withoutLabels);
  if (labelled !== undefined) return labelled;
  if (admit.maxWords === null) return undefined;
  let longest = 0;
  for (const turn of turns) if (isAttempt(turn)) longest = Math.max(longest, asAttempt(turn).text.split(' ').length);
  return longest > admit.maxWords ? refusal('admit.max-words', longest, admit.maxWords) : undefined;
};

const judgeAnswer = (
  asked: Policy['admit']['firstAnswer'],
  { trajectory, place }: Admitted,
  votes: ReturnType<typeof votesOf>,
): Refusal | undefined => {
  if (asked === 'any') return undefined;
  const verified = firstAnswerOf(trajectory);
  if (verified === undefined) return refusal('admit.unverified', null, asked);
  if (asked === 'majority') {
    const vote = votes.get(place.problemId);
    if (verified.answer !== null && verified.answer === vote?.answer) return undefined;
    const own = verified.answer === null ? 0 : (vote?.counts.get(verified.answer) ?? 0);
    const most = vote?.counts.get(vote.answer) ?? 0;
    return refusal('admit.first-answer', own, most, `answers ${verified.answer}, most say ${vote?.answer ?? null}`);
  }
  const is = verified.answerCorrect ? 'correct' : 'wrong';
  return is === asked ? undefined : refusal('admit.first-answer', is, asked, `answers ${verified.answer}`);
};

/** A text within a pass, an iteration, or everything: the key under which it counts as one. */
export const within = (
  scope: 'pass' | 'iteration' | 'scope',
  place: Pick<Place, 'collectionId' | 'pass'> | null,
): readonly (string | number)[] => {
  if (scope === 'scope' || place === null) return [];
  return scope === 'pass' ? [place.collectionId, place.pass] : [place.collectionId];
};

/** Select and admit: which trajectories go on, and the refusal of every other one, by trajectory id. */
export const admitAll = (
  all: Trajectories,
  candidates: readonly Trajectory[],
  policy: Policy,
  seed: number,
): { readonly admitted: readonly Admitted[]; readonly refused: ReadonlyMap<string, Refusal> } => {
  const { admit } = policy;
  const refused = new Map<string, Refusal>();
  const find = problemFinder(all);
  const alone: Admitted[] = [];
  for (const trajectory of candidates) {
    const problem = find(trajectory);
    const out = judgeAlone(all, policy, trajectory, problem);
    if (out !== undefined) refused.set(trajectory.trajectoryId, out);
    else if (problem !== undefined && trajectory.place !== null)
      alone.push({ trajectory, place: trajectory.place, problem });
  }
  const votes = votesOf(alone.map((a) => a.trajectory));
  const seen = new Map<string, string>();
  const byProblem = new Map<string, Admitted[]>();
  for (const each of alone) {
    const id = each.trajectory.trajectoryId;
    const out = judgeAnswer(admit.firstAnswer, each, votes);
    if (out !== undefined) {
      refused.set(id, out);
      continue;
    }
    if (admit.dedup !== 'none') {
      const text = each.problem.problem.prompt + each.trajectory.turns.map((t) => t.text).join('');
      const key = JSON.stringify([...within(admit.dedup, each.place), text]);
      const twin = seen.get(key);
      if (twin !== undefined) {
        refused.set(id, refusal('admit.duplicate', twin, null, `same text within one ${admit.dedup}`));
        continue;
      }
      seen.set(key, id);
    }
    const group = byProblem.get(each.place.problemId);
    if (group === undefined) byProblem.set(each.place.problemId, [each]);
    else group.push(each);
  }
  if (admit.perProblem !== null) {
    for (const group of byProblem.values()) {
      const drawn = shuffledById(group, (a) => a.trajectory.trajectoryId, [seed, 'per-problem']);
      for (const [i, each] of drawn.entries()) {
        if (i < admit.perProblem) continue;
        refused.set(each.trajectory.trajectoryId, refusal('admit.per-problem', i + 1, admit.perProblem));
      }
    }
  }
  return { admitted: alone.filter((a) => !refused.has(a.trajectory.trajectoryId)), refused };
};
