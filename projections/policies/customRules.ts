import type { Digest, Json } from '../../events/digest';
import { canonicalJson } from '../../events/digest';
import { changeOf } from './change';
import { CustomRuleError, type CustomRuleFault } from './customRuleFault';
import { rowView, trajectoryView } from './customViews';
import type { CustomRuleRef, Policy } from './policy';
import { fail, pass, type Change, type Measured, type Rule, type RuleContext, type Verdict } from './rule';
import type { Asked } from './scope';
import type { Unit } from './split';

/** What a rule of a module says of one candidate. */
export interface CustomVerdict {
  readonly passed: boolean;
  readonly value: Measured;
  readonly threshold: Measured;
  readonly detail: string | null;
}

/** A rule that a module brings. Both functions are handed frozen plain values, and must be pure. */
export interface CustomRule {
  /** What it looks at: trajectories after the other rules of admit, or rows after the other rules of split. */
  readonly stage: 'trajectory' | 'row';
  /** Sees every candidate that comes so far, in canonical order; gives what judges one of them. */
  readonly prepare: (
    candidates: readonly unknown[],
    context: { readonly with: Json; readonly seed: number },
  ) => unknown;
}

/** A module with the digest of its text. Two modules with one digest are one. */
export interface RuleModule {
  /** As it was named. */
  readonly module: string;
  readonly source: Digest;
  readonly rules: ReadonlyMap<string, CustomRule>;
}

/** Modules by the digest of their text: the digest is what a policy names, so what is found under it is always the same. */
const modules = new Map<string, RuleModule>();

/** Makes a module known. The command line does, for modules that a person named; a ledger never brings code along. */
export const provideModule = (module: RuleModule): void => void modules.set(module.source, module);

const missing = ({ module, name, source = null }: CustomRuleRef): CustomRuleFault => ({
  tag: 'RuleMissing',
  rule: name,
  module,
  source,
  atHand: [...modules.values()].map((each) => ({ module: each.module, source: each.source })),
});

const found = (ref: CustomRuleRef): CustomRule | undefined => modules.get(ref.source ?? '')?.rules.get(ref.name);

/** Why the rules of a policy cannot be asked; undefined: all are at hand. */
export const missingRule = ({ rules = [] }: Policy): CustomRuleFault | undefined => {
  const ref = rules.find((each) => found(each) === undefined);
  return ref === undefined ? undefined : missing(ref);
};

const ruleOf = (ref: CustomRuleRef): CustomRule => {
  const rule = found(ref);
  if (rule === undefined) throw new CustomRuleError(missing(ref));
  return rule;
};

const isFunction = (u: unknown): u is (...given: readonly unknown[]) => unknown => typeof u === 'function';
const isMeasured = (u: unknown): u is Measured =>
  u === null || typeof u === 'string' || (typeof u === 'number' && Number.isFinite(u));

const verdictOf = (given: unknown): CustomVerdict | undefined => {
  if (typeof given !== 'object' || given === null || !('passed' in given)) return undefined;
  const { passed } = given;
  const value = 'value' in given ? given.value : null;
  const threshold = 'threshold' in given ? given.threshold : null;
  const detail = 'detail' in given ? given.detail : null;
  if (typeof passed !== 'boolean' || !isMeasured(value) || !isMeasured(threshold)) return undefined;
  return detail === null || typeof detail === 'string' ? { passed, value, threshold, detail } : undefined;
};

/** How many candidates are judged twice, by a judge prepared anew: a rule that is no function of its input is told. */
const twice = 64;

/** Judges prepared from one module, every call of it guarded: what it throws names the module and the candidate. */
const judgeOf = (ref: CustomRuleRef, views: readonly unknown[], seed: number) => {
  const { name: rule, module, with: given } = ref;
  const failed = (candidate: string | null, message: string, stack: string | null = null): CustomRuleError =>
    new CustomRuleError({ tag: 'RuleFailed', rule, module, candidate, message, stack });
  const guarded = <T>(candidate: string | null, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw failed(candidate, message, error instanceof Error ? (error.stack ?? null) : null);
    }
  };
  const judge = guarded(null, () => ruleOf(ref).prepare(views, { with: given, seed }));
  if (!isFunction(judge)) throw failed(null, `prepare: expected a function of one candidate, got ${typeof judge}`);
  return (candidate: string, view: unknown): CustomVerdict => {
    const said = guarded(candidate, () => judge(view));
    const verdict = verdictOf(said);
    if (verdict !== undefined) return verdict;
    const wanted = '{passed: true or false, value?, threshold?: number or text, detail?: text}';
    throw failed(candidate, `expected ${wanted}, got ${JSON.stringify(said) ?? typeof said}`);
  };
};

/** The policy's own rules of one stage as one rule: each sees what those before it let through. */
const slot = <C>(
  id: 'admit.custom' | 'split.custom',
  stage: CustomRule['stage'],
  idOf: (candidate: C) => string,
  viewOf: (candidate: C, context: RuleContext) => unknown,
): Rule<C> => ({
  id,
  settings: ['rules'],
  readsTexts: true,
  isAsked: ({ rules = [] }) => rules.some((ref) => ruleOf(ref).stage === stage),
  prepare: (reaching, context) => {
    const { policy, seed } = context;
    const all = policy.rules ?? [];
    const views = new Map(reaching.map((candidate) => [candidate, viewOf(candidate, context)]));
    const verdicts = new Map<C, Verdict>();
    let left = reaching;
    for (const ref of all.filter((each) => ruleOf(each).stage === stage)) {
      const own = left.map((candidate) => views.get(candidate));
      const [judge, again] = [judgeOf(ref, own, seed), judgeOf(ref, own, seed)];
      const remedies = (): readonly Change[] => {
        const others: readonly Json[] = all.filter((each) => each !== ref).map((each) => ({ ...each }));
        return [changeOf(policy, 'rules', others)];
      };
      const kept: C[] = [];
      for (const [i, candidate] of left.entries()) {
        const key = idOf(candidate);
        const said = judge(key, views.get(candidate));
        if (i < twice && canonicalJson(again(key, views.get(candidate))) !== canonicalJson(said)) {
          const message = 'it said two things of one candidate: a rule must be a function of what it is given';
          throw new CustomRuleError({
            tag: 'RuleFailed',
            rule: ref.name,
            module: ref.module,
            candidate: key,
            message,
            stack: null,
          });
        }
        const { passed, value, threshold, detail } = said;
        verdicts.set(
          candidate,
          passed ? pass(value, threshold, detail) : fail(value, threshold, detail, remedies, `${id}.${ref.name}`),
        );
        if (passed) kept.push(candidate);
      }
      left = kept;
    }
    return (candidate) => verdicts.get(candidate) ?? null;
  },
});

export const customTrajectoryRule: Rule<Asked> = slot(
  'admit.custom',
  'trajectory',
  ({ trajectory }) => trajectory.trajectoryId,
  (asked, { all }) => trajectoryView(asked, all),
);

export const customRowRule: Rule<Unit> = slot(
  'split.custom',
  'row',
  ({ id }) => id,
  (unit, { all }) => rowView(unit, all),
);
