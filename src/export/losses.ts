import type { Row, SectionKind } from '../../projections/replayDataset';
import { cut } from './completion';
import type { ExportFormat, ExportInput, Loss } from './exportFormat';

interface Turned {
  readonly kind: SectionKind;
  readonly from: number;
  readonly to: number;
  count: number;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Sections whose weight the reader does not see, by kind and weight. */
const weightLosses = (rows: readonly Row[], weights: (row: Row) => readonly number[]): readonly Loss[] => {
  const turned = new Map<string, Turned>();
  for (const row of rows) {
    const given = weights(row);
    for (const [i, { kind, weight: from }] of row.sections.entries()) {
      const to = given[i] ?? 0;
      if (to === from) continue;
      const key = `${kind} ${from} ${to}`;
      const known = turned.get(key) ?? { kind, from, to, count: 0 };
      known.count += 1;
      turned.set(key, known);
    }
  }
  return [...turned.keys()].sort().flatMap((key): Loss[] => {
    const found = turned.get(key);
    if (found === undefined) return [];
    const { kind, from, to, count } = found;
    return [
      {
        what: 'weight',
        count,
        text: `${kind} sections of weight ${from} count as ${to} (${counted(count, 'section')})`,
      },
    ];
  });
};

const some = (what: Loss['what'], rows: readonly unknown[], text: string): readonly Loss[] =>
  rows.length === 0 ? [] : [{ what, count: rows.length, text: `${text} (${counted(rows.length, 'row')})` }];

/** Everything that a reader of this format does not get, counted. Nothing is lost that is not named here. */
export const lossesOf = (format: ExportFormat, input: ExportInput): readonly Loss[] => {
  const { rows } = input;
  const end = format.end(input);
  const ends = rows.filter((row) => row.end);
  const open = rows.filter((row) => !row.end);
  const { weights } = format;
  if (format.data === null) return some('rows', rows, 'the rows themselves: this is metadata only');
  if (weights === null) return [];
  const isUntrained = (row: Row): boolean => weights(row).every((weight) => weight === 0);
  return [
    ...weightLosses(rows, weights),
    ...(end === 'always' ? some('end', open, 'rows without an end-of-text token get one from the reader') : []),
    ...(end === 'never' ? some('end', ends, 'rows that end with an end-of-text token have none: give --eos') : []),
    ...some(
      'no-completion',
      rows.filter((row) => cut(row).written.length === 0),
      'rows that are a prompt and nothing else',
    ),
    ...some(
      'no-prompt',
      rows.filter((row) => row.sections[0]?.kind !== 'prompt'),
      'rows without a prompt',
    ),
    ...some('untrained', rows.filter(isUntrained), 'rows of which nothing is trained on, which a reader may refuse'),
  ];
};
