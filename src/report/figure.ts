import type { ReportDocument } from '../../projections/ablation/reportDocument';
import type { Markup } from './markup';
import type { ReportTable } from './reportTable';

/** A part of the report: pictures and the tables with their numbers. No picture where there is nothing to draw. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What is to be seen: sentences, above the pictures. */
  readonly text: string;
  readonly pictures: readonly Markup[];
  readonly legend: Markup | null;
  readonly tables: readonly ReportTable[];
}

/** Null where the report has nothing of the kind. */
export type FigureOf = (document: ReportDocument) => Figure | null;
