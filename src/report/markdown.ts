import type { ReportDocument } from '../../projections/ablation/reportDocument';
import { figuresOf } from './figures/all';
import { headOf, missingText } from './heading';
import type { ReportTable } from './reportTable';

/** Text that Markdown shows as it is, in a line or a table cell (GitHub Flavored Markdown). */
export const plainText = (text: string): string =>
  text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_{}[\]<>#|~!&$]/g, String.raw`\$&`);

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const tableText = ({ title, notes, head, rows, labels }: ReportTable): string =>
  [
    `**${plainText(title)}.** ${notes.map((note) => plainText(note)).join(' ')}`.trimEnd(),
    '',
    row(head.map(plainText)),
    row(head.map((_, i) => (i < labels ? '---' : '---:'))),
    ...rows.map((cells) => row(cells.map(plainText))),
  ].join('\n');

/** Too long for a page that people read. */
const leftOut = new Set(['curves']);

/** The report as Markdown: the tables of the HTML without the training curves, no pictures. */
export const markdown = (document: ReportDocument): string => {
  const parts = figuresOf(document)
    .filter(({ id }) => !leftOut.has(id))
    .map(({ title, tables }) => [`## ${plainText(title)}`, ...tables.map(tableText)].join('\n\n'));
  const head = [
    row(['', '']),
    row(['---', '---']),
    ...headOf(document).map(([name, value]) => row([name, plainText(value)])),
  ];
  return `${[
    `# ${plainText(document.report.name)}`,
    head.join('\n'),
    ...missingText(document.report).map(plainText),
    ...parts,
    'Training curves, pictures and what they show are in the HTML report. Made by `tripost report` from the ledger prefix above; the same prefix gives the same bytes.',
  ].join('\n\n')}\n`;
};
