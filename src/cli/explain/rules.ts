import type { CustomRuleFault } from '../../../projections/policies/customRuleFault';
import type { CliFault } from '../faults';
import { because, some, type Table } from './explained';

/** Messages of rules that come from modules. */
export const rulesTable: Table<
  CustomRuleFault['tag'] | Extract<CliFault['tag'], 'RuleModuleUnusable' | 'RuleSourceDiffers'>
> = {
  RuleMissing: ({ rule, module, source, atHand }) =>
    because(
      'usage',
      `The policy has the rule ${rule} of the module ${module}, and no module with its source is at hand.`,
      `  expected source ${source ?? 'none: the policy was not read from a file'}`,
      ...(atHand.length === 0
        ? ['  got      none']
        : atHand.map((each) => `  got      ${each.source} (${each.module})`)),
      'Name the file with --rules (or TRIPOST_RULES). A module that a ledger names is never run on its word.',
    ),
  RuleFailed: ({ rule, module, candidate, message, stack }) =>
    because(
      'usage',
      `The rule ${rule} of the module ${module} failed${candidate === null ? '' : ` on candidate ${candidate}`}: ${message}`,
      ...(stack === null ? [] : some(stack.split('\n').slice(1), 5)),
      'Nothing was derived. A rule must give {passed} for every candidate, and the same for the same.',
    ),
  RuleModuleUnusable: ({ module, message }) =>
    because(
      'usage',
      `Cannot use the module ${module}: ${message}`,
      'Nothing was changed. docs/policies.md says what a module exports.',
    ),
  RuleSourceDiffers: ({ module, rule, expected, got }) =>
    because(
      'usage',
      `The module ${module} is not the one that the policy names for its rule ${rule}.`,
      `  expected source ${expected}`,
      `  got             ${got}`,
      'Nothing was changed. Restore the file, or take `source` out of the policy: it is then another policy.',
    ),
};
