import type { Digest } from '../../events/digest';

/** What goes wrong with a rule that a module brings. */
export type CustomRuleFault =
  /** No module at hand has the text that the policy was made with. */
  | {
      readonly tag: 'RuleMissing';
      readonly rule: string;
      readonly module: string;
      readonly source: string | null;
      readonly atHand: readonly { readonly module: string; readonly source: Digest }[];
    }
  | {
      readonly tag: 'RuleFailed';
      readonly rule: string;
      readonly module: string;
      readonly candidate: string | null;
      readonly message: string;
      readonly stack: string | null;
    };

/** A rule of a module that is not there, or breaks its contract. Deriving cannot go on: a row less is another dataset. */
export class CustomRuleError extends Error {
  constructor(readonly fault: CustomRuleFault) {
    super(`${fault.tag}: rule ${fault.rule} of ${fault.module}`);
    this.name = 'CustomRuleError';
  }
}
