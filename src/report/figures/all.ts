import type { ReportDocument } from '../../../projections/ablation/reportDocument';
import type { Figure } from '../figure';
import { byAttempt } from './byAttempt';
import { byIteration } from './byIteration';
import { comparisons } from './comparisons';
import { cost } from './cost';
import { curves } from './curves';
import { flows } from './flows';
import { funnel } from './funnel';
import { provenance } from './provenance';
import { sweeps } from './sweeps';

/** The parts of a report, in order. Adding one is a file and an entry here. */
const all: readonly ((document: ReportDocument) => Figure | readonly Figure[] | null)[] = [
  byIteration,
  comparisons,
  byAttempt,
  flows,
  sweeps,
  funnel,
  curves,
  cost,
  provenance,
];

/** The parts that there is something to show of. */
export const figuresOf = (document: ReportDocument): readonly Figure[] =>
  all.flatMap((figure) => figure(document) ?? []);
