import { unitRules } from './candidates';
import type { Policy } from './policies/policy';
import type { Measured, Rule, RuleFinding } from './policies/rule';
import { ruleText } from './policies/rules';
import type { Derivation } from './rederive';
import type { Decision } from './replayDataset';
import { ChangeSearch, type Proposal } from './smallestChange';
import { findingsOn, ownerOf, watched } from './watched';

/** One rule of a policy over one candidate. */
export interface RuleAnswer {
  readonly rule: string;
  readonly says: string;
  /** `not reached`: a rule before it decided. `not asked`: the policy does not ask it, or it is not about this candidate. */
  readonly status: 'passed' | 'failed' | 'not reached' | 'not asked';
  /** What it measured, or, where it was not reached, would have measured had the candidate come so far. */
  readonly value: Measured;
  readonly threshold: Measured;
  readonly detail: string | null;
  /** What a rule that was not reached would have said; null where that has no meaning. */
  readonly would: 'pass' | 'fail' | null;
  /** Settings of the policy that it reads. */
  readonly settings: readonly string[];
}

/** Why one candidate is in or out: every rule of the policy in order, and the smallest change that lets it in. */
export interface Explanation {
  readonly candidateId: string;
  readonly kind: Decision['kind'];
  readonly rowId: string | null;
  readonly problemId: string;
  readonly trajectoryId: string | null;
  readonly kept: boolean;
  /** The first rule that kept it out; `kept` where none did. */
  readonly decidedBy: string;
  readonly rules: readonly RuleAnswer[];
  readonly change: Proposal;
}

const statuses = { passed: 'passed', failed: 'failed', notReached: 'not reached', notAsked: 'not asked' } as const;

const answerOf = ({ rule, settings, status, verdict }: RuleFinding): RuleAnswer => ({
  rule: verdict?.passed === false && status === 'failed' ? (verdict.as ?? rule) : rule,
  says: ruleText(rule),
  status: statuses[status],
  value: verdict?.value ?? null,
  threshold: verdict?.threshold ?? null,
  detail: verdict?.detail ?? null,
  would: status !== 'notReached' || verdict === null ? null : verdict.passed ? 'pass' : 'fail',
  settings,
});

/** Of a rule over rows, where the candidate never became one. */
const withoutRow =
  (policy: Policy) =>
  <C>({ id, settings, isAsked }: Rule<C>): RuleFinding => ({
    rule: id,
    settings,
    status: (isAsked?.(policy) ?? true) ? 'notReached' : 'notAsked',
    verdict: null,
  });

/** Every one of these decisions explained, from the ledger and the policy alone. */
export const explain = (derivation: Derivation, decisions: readonly Decision[]): readonly Explanation[] => {
  const owners = new Set(decisions.map(ownerOf));
  const told = watched(derivation, owners, true);
  const search = new ChangeSearch(derivation, owners, told);
  return decisions.map((decision): Explanation => {
    const { candidateId, kind, rowId, problemId, trajectoryId, kept, rule } = decision;
    const found = findingsOn(decision, told);
    const missing = unitRules.filter(({ id }) => !found.some((each) => each.rule === id));
    const rules = [...found, ...missing.map(withoutRow(derivation.policy))].map(answerOf);
    const change = search.smallest(decision);
    return { candidateId, kind, rowId, problemId, trajectoryId, kept, decidedBy: rule, rules, change };
  });
};
