import { changeOf } from './change';
import type { Policy } from './policy';
import { fail, pass, type Change, type Rule } from './rule';
import type { Asked } from './scope';

const firstAnswerOf = ({ trajectory }: Asked) => trajectory.verifications.find(({ round }) => round === 0);

const anyAnswer = (policy: Policy) => (): readonly Change[] => [changeOf(policy, 'admit.firstAnswer', 'any')];

const verifiedRule: Rule<Asked> = {
  id: 'admit.unverified',
  settings: ['admit.firstAnswer'],
  isAsked: ({ admit }) => admit.firstAnswer !== 'any',
  prepare:
    (_, { policy }) =>
    (asked) => {
      const wanted = policy.admit.firstAnswer;
      const verified = firstAnswerOf(asked);
      return verified === undefined ? fail(null, wanted, null, anyAnswer(policy)) : pass(verified.answer);
    },
};

/** The answer most first attempts give, per problem; ties go to the answer that sorts first. Counts beside it. */
const votesOf = (reaching: readonly Asked[]): Map<string, { answer: string; counts: Map<string, number> }> => {
  const counted = new Map<string, Map<string, number>>();
  for (const asked of reaching) {
    const answer = firstAnswerOf(asked)?.answer ?? null;
    const { place } = asked.trajectory;
    if (place === null || answer === null) continue;
    const counts = counted.get(place.problemId) ?? new Map<string, number>();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
    counted.set(place.problemId, counts);
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

const answerRule: Rule<Asked> = {
  id: 'admit.first-answer',
  settings: ['admit.firstAnswer'],
  isAsked: ({ admit }) => admit.firstAnswer !== 'any',
  prepare: (reaching, { policy }) => {
    const wanted = policy.admit.firstAnswer;
    const votes = wanted === 'majority' ? votesOf(reaching) : undefined;
    return (asked) => {
      const verified = firstAnswerOf(asked);
      const answer = verified?.answer ?? null;
      if (votes === undefined) {
        const is = verified === undefined ? null : verified.answerCorrect ? 'correct' : 'wrong';
        if (is === wanted) return pass(is, wanted, `answers ${answer}`);
        return fail(is, wanted, `answers ${answer}`, anyAnswer(policy));
      }
      const vote = votes.get(asked.trajectory.place?.problemId ?? '');
      const own = answer === null ? 0 : (vote?.counts.get(answer) ?? 0);
      const most = vote?.counts.get(vote.answer) ?? 0;
      const detail = `answers ${answer}, most say ${vote?.answer ?? null}`;
      if (answer !== null && answer === vote?.answer) return pass(own, most, detail);
      return fail(own, most, detail, anyAnswer(policy));
    };
  },
};

/** What the first attempt must answer. */
export const answerRules: readonly Rule<Asked>[] = [verifiedRule, answerRule];
