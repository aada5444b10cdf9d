import type { UnitKind } from './policies/policy';
import type { Row, SectionKind } from './replayDataset';

/** How much of a row's loss weight a section carries: units (tokens or characters) and the sum of their weights. */
export interface Weighed {
  readonly kind: SectionKind;
  readonly units: number;
  readonly weight: number;
}
export type Weigh = (row: Row) => readonly Weighed[];

/** Where no tokenizer is known: UTF-16 code units of each section. */
export const weighCharacters: Weigh = ({ sections }) =>
  sections.map(({ kind, text, weight }) => ({ kind, units: text.length, weight: weight * text.length }));

export interface Share {
  readonly rows: number;
  readonly units: number;
  readonly weight: number;
}

/** One class, kind, iteration or section in both datasets, and what became of its rows. */
export interface Total {
  readonly a: Share;
  readonly b: Share;
  readonly added: number;
  readonly removed: number;
  readonly reweighted: number;
  readonly reordered: number;
}
export type Totals = Readonly<Record<string, Total>>;

interface Counted {
  a: { rows: number; units: number; weight: number };
  b: { rows: number; units: number; weight: number };
  added: number;
  removed: number;
  reweighted: number;
  reordered: number;
}

const nothing = (): Counted => ({
  a: { rows: 0, units: 0, weight: 0 },
  b: { rows: 0, units: 0, weight: 0 },
  added: 0,
  removed: 0,
  reweighted: 0,
  reordered: 0,
});

/** Totals by some key, in the order of the keys. */
class Tally {
  private readonly found = new Map<string, Counted>();

  at(key: string): Counted {
    const known = this.found.get(key);
    if (known !== undefined) return known;
    const fresh = nothing();
    this.found.set(key, fresh);
    return fresh;
  }

  get totals(): Readonly<Record<string, Counted>> {
    return Object.fromEntries([...this.found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** What two datasets hold by class, kind, iteration and section, and what became of the rows of each. */
export class RowTotals {
  readonly all = nothing();
  readonly bucket = new Tally();
  readonly kind = new Tally();
  readonly iteration = new Tally();
  readonly section = new Tally();

  private of(row: Row, kind: UnitKind | null): readonly Counted[] {
    return [
      this.all,
      this.bucket.at(row.bucket),
      this.kind.at(kind ?? 'unknown'),
      this.iteration.at(row.iteration === null ? 'gold' : String(row.iteration)),
    ];
  }

  weigh(side: 'a' | 'b', row: Row, kind: UnitKind | null, weighed: readonly Weighed[]): void {
    const sections = new Set<SectionKind>();
    for (const { kind: section, units, weight } of weighed) {
      const into = this.section.at(section)[side];
      if (!sections.has(section)) into.rows += 1;
      sections.add(section);
      into.units += units;
      into.weight += weight;
    }
    for (const { [side]: into } of this.of(row, kind)) {
      into.rows += 1;
      for (const { units, weight } of weighed) {
        into.units += units;
        into.weight += weight;
      }
    }
  }

  count(row: Row, kind: UnitKind | null, what: readonly ('added' | 'removed' | 'reweighted' | 'reordered')[]): void {
    for (const into of this.of(row, kind)) for (const each of what) into[each] += 1;
  }
}
