import { canonicalJson } from '../../events/digest';
import type { ReportDocument } from '../../projections/ablation/reportDocument';

/** The document itself, as canonical JSON (RFC 8785) on one line: every number of the other renderings, unrounded. */
export const json = (document: ReportDocument): string => `${canonicalJson(document)}\n`;
