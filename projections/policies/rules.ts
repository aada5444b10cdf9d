/**
 * Every rule that can decide over a candidate, with what it says. Ids are stable: they are in decisions files and in
 * DatasetDerived events. A trajectory that collection closed with an outcome the policy does not admit is decided by
 * `collect.<reason>`, the reason being TrajectoryClosed's; the rule itself is `collect.outcome`.
 */
export const rules = {
  kept: 'It is a row of the dataset.',
  'select.source': 'The policy takes nothing from this source.',
  'select.unknown-problem': 'The ledger does not hold the problem it answers.',
  'select.split': 'Its problem is not of the train split.',
  'select.iteration': 'It was collected in an iteration outside the range that the policy takes.',
  'select.left-out': 'The policy leaves out its iteration, a teacher that wrote in it, or its class of problems.',
  'select.author': 'A turn was written by an author whom the policy leaves out.',
  'select.teacher': "A teacher's call of it was made by a model that the policy does not name.",
  'collect.open': 'It was not closed at this point of the ledger.',
  'collect.outcome': 'Collection closed its trajectory with an outcome that the policy does not admit.',
  'admit.retracted': 'An event of it was retracted.',
  'admit.no-attempt': 'It has no attempt.',
  'admit.label': 'An event of it carries a label that the policy leaves out.',
  'admit.label-missing': 'No event of it carries a label that the policy asks for.',
  'admit.min-logprob': 'The call that wrote its first attempt was too unlikely, or has no log-probabilities.',
  'admit.max-updates': 'It has too many updates.',
  'admit.unverified': 'Its first attempt was never verified, and the policy asks for the answer.',
  'admit.first-answer': "Its first attempt's answer is not what the policy asks for.",
  'admit.max-words': 'Its longest attempt has too many words.',
  'admit.duplicate': 'The same text was admitted before.',
  'admit.per-problem': 'Enough others were drawn for its problem.',
  'admit.custom': "A rule of the policy's own keeps it out.",
  'split.nothing': 'It gives no row of the asked kinds.',
  'split.no-partner': 'No attempt of the other kind at its problem was paired with it.',
  'split.no-rationale': 'The problem has no gold rationale.',
  'split.no-closing': 'The gold rationale has no closing feedback.',
  'split.kind': 'The policy does not keep rows of this kind.',
  'split.change': 'Its update does to the answer what the policy does not keep.',
  'split.step': 'It is of a later attempt than the policy takes.',
  'split.max-tokens': 'The row has too many tokens.',
  'split.duplicate-row': 'Another row has the same text.',
  'split.custom': "A rule of the policy's own keeps the row out.",
  'balance.not-drawn': 'The draw that balances x_T against x_SI left it out.',
  'balance.gold-not-drawn': 'The draw that balances x_GT against x_T left it out.',
  'limit.soft': 'There were enough rows before its pass.',
  'limit.hard': 'The draw that limits the number of rows left it out.',
} as const;

export type RuleId = keyof typeof rules;

const sentences: ReadonlyMap<string, string> = new Map(Object.entries(rules));

/** What a rule says, for a decision's `rule`. */
export const ruleText = (rule: string): string => {
  const sentence = sentences.get(rule);
  if (sentence !== undefined) return sentence;
  const own = /^(?:admit|split)\.custom\.(.*)$/.exec(rule)?.[1];
  if (own !== undefined) return `The policy's own rule ${own} keeps it out.`;
  if (rule.startsWith('collect.')) return `Collection closed its trajectory: ${rule.slice('collect.'.length)}.`;
  return 'A rule this version does not know.';
};
