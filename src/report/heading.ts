import type { AblationReport } from '../../projections/ablation/report';
import type { ReportDocument } from '../../projections/ablation/reportDocument';

/** What a report is of, by name: enough to find the ledger prefix, and to make the report again. */
export const headOf = ({ report, ledger, digest }: ReportDocument): readonly (readonly [string, string])[] => [
  ['ablation', report.ablationId],
  ['arms', report.arms.join(', ')],
  ['baseline', report.baseline],
  ['arms differ', `in ${report.vary.join(', ')} and in nothing else`],
  ['seeds', report.seeds.join(', ')],
  ['ledger', `${ledger.size} events, up to position ${ledger.position ?? '-'}`],
  ['root', ledger.root],
  ['digest', `${digest} of the report's numbers`],
];

export const missingText = ({ missing }: AblationReport): readonly string[] =>
  missing.length === 0 ? [] : [`not finished: ${missing.map(({ arm, seed }) => `${arm}, seed ${seed}`).join('; ')}`];
