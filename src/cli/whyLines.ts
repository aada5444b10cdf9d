import type { Explanation, RuleAnswer } from '../../projections/explain';
import type { Proposal } from '../../projections/smallestChange';

const shown = (value: RuleAnswer['value']): string => {
  if (value === null) return '';
  const text = String(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
};

const factsOf = ({ value, threshold, detail }: RuleAnswer): string => {
  const against = threshold === null ? '' : `against ${shown(threshold)}`;
  return [shown(value), against, detail === null ? '' : `(${detail})`].filter((part) => part !== '').join(' ');
};

const statusOf = ({ status, would }: RuleAnswer): string => (would === null ? status : `${status}, would ${would}`);

const changeLine = (change: Proposal): readonly string[] => {
  if (change.kind === 'none') return [];
  if (change.kind === 'impossible') return [`smallest change: none; ${change.because}`];
  const { changes, rows } = change;
  const told = changes.map(({ setting, from, to }) => `${setting}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`);
  const together = changes.length > 1 ? 'no single setting does; together ' : '';
  return [
    `smallest change: ${together}${told.join(', ')} (derived with it: ${rows} ${rows === 1 ? 'row' : 'rows'} of it in)`,
  ];
};

/** One candidate: every rule in order with what it measured, the first that decided, and what would let it in. */
export const explanationLines = (explanation: Explanation): readonly string[] => {
  const { kind, candidateId, rowId, problemId, kept, decidedBy, rules, change } = explanation;
  const title = kept
    ? `kept as ${kind} row ${rowId ?? candidateId}, problem ${problemId}`
    : `left out: ${kind} ${candidateId}, problem ${problemId}, by ${decidedBy}`;
  const asked = rules.filter(({ status }) => status !== 'not asked');
  const wide = Math.max(0, ...asked.map(({ rule }) => rule.length));
  const states = Math.max(0, ...asked.map((each) => statusOf(each).length));
  const lines = asked.map((each) =>
    `  ${each.rule.padEnd(wide)}  ${statusOf(each).padEnd(states)}  ${factsOf(each)}`.trimEnd(),
  );
  const others = rules.filter(({ status }) => status === 'not asked').map(({ rule }) => rule);
  return [
    title,
    ...lines,
    ...(others.length === 0 ? [] : [`  not asked of it: ${others.join(', ')}`]),
    ...changeLine(change).map((line) => `  ${line}`),
  ];
};
