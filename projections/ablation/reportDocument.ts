import { canonicalJson, sha256, type Digest } from '../../events/digest';
import type { Experiments } from './experiments';
import { armSettings, metricsOf, type ArmSettings } from './matrixDocument';
import { reportOf, type AblationReport } from './report';

/** The prefix of a ledger that a report is of. */
export interface ReportedPrefix {
  /** Of the last event; null for an empty prefix. */
  readonly position: string | null;
  readonly size: number;
  /** Merkle root over it (RFC 6962). */
  readonly root: Digest;
}

/** Everything that a rendering shows: the report, what the arms set, and the prefix that it is a function of. */
export interface ReportDocument {
  readonly format: 1;
  readonly ledger: ReportedPrefix;
  /** SHA-256 of the canonical JSON of `report`: the same results have it on any ledger, at any position behind them. */
  readonly digest: Digest;
  readonly settings: readonly ArmSettings[];
  readonly report: AblationReport;
}

/** The report of an ablation with the prefix it was made from. Throws where the prefix does not know the ablation. */
export const reportDocument = (known: Experiments, ablationId: string, ledger: ReportedPrefix): ReportDocument => {
  const started = known.ablations.get(ablationId);
  if (started === undefined) throw new RangeError(`There is no ablation ${ablationId} on this ledger.`);
  const report = reportOf(known, ablationId, metricsOf(started));
  return { format: 1, ledger, digest: sha256(canonicalJson(report)), settings: armSettings(started), report };
};
