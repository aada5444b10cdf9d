import { Column } from './columns';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The character codes of every byte in hex, two a byte. */
const hex = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join(''),
  'latin1',
);
/** Where the 16 bytes of a UUID stand in its text. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const spelt = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1');

const spell = (word: number, from: number): void => {
  for (let i = 0; i < 4; i++) {
    const byte = (word >>> (24 - 8 * i)) & 255;
    const at = places[from + i] ?? 0;
    spelt[at] = hex[2 * byte] ?? 0;
    spelt[at + 1] = hex[2 * byte + 1] ?? 0;
  }
};

/** A UUID as four words. */
type Words = readonly [number, number, number, number];

const wordsOf = (id: string): Words => [
  parseInt(id.slice(0, 8), 16),
  parseInt(id.slice(9, 13) + id.slice(14, 18), 16),
  parseInt(id.slice(19, 23) + id.slice(24, 28), 16),
  parseInt(id.slice(28, 36), 16),
];

/** Ids by index: 16 bytes for a UUID, as content ids are; any other text as it is. */
export class IdColumn {
  private readonly words = new Column();
  private readonly others = new Map<number, string>();

  set(i: number, id: string): void {
    if (!uuid.test(id)) {
      this.others.set(i, id);
      return;
    }
    this.setWords(i, wordsOf(id));
  }

  setWords(i: number, words: Words): void {
    for (let w = 0; w < 4; w++) this.words.set(4 * i + w, words[w] ?? 0);
  }

  get(i: number): string {
    const other = this.others.get(i);
    if (other !== undefined) return other;
    for (let w = 0; w < 4; w++) spell(this.words.get(4 * i + w), 4 * w);
    return spelt.toString('latin1');
  }

  /** Whether a UUID with these words is at this index. */
  has(i: number, words: Words): boolean {
    const at = 4 * i;
    return (
      this.words.get(at) === words[0] &&
      this.words.get(at + 1) === words[1] &&
      this.words.get(at + 2) === words[2] &&
      this.words.get(at + 3) === words[3] &&
      !this.others.has(i)
    );
  }

  /** The first bytes of an id as a number, the same in every process. */
  hash(i: number): number {
    return this.words.get(4 * i);
  }
}

/** Finds the index of an id: a hash table of four bytes a slot over a column that holds the ids. */
export class IdIndex {
  private table = new Uint32Array(1024);
  private readonly others = new Map<string, number>();
  private size = 0;

  constructor(private readonly ids: IdColumn) {}

  /** The index of an id; one that is new is put at the end of the column. `isNew` tells so. */
  find(id: string): { readonly index: number; readonly isNew: boolean } {
    if (!uuid.test(id)) {
      const known = this.others.get(id);
      if (known !== undefined) return { index: known, isNew: false };
      this.others.set(id, this.size);
      this.ids.set(this.size, id);
      this.size += 1;
      return { index: this.size - 1, isNew: true };
    }
    const words = wordsOf(id);
    for (let slot = words[0] & (this.table.length - 1); ; slot = this.next(slot)) {
      const entry = this.table[slot] ?? 0;
      if (entry !== 0 && this.ids.has(entry - 1, words)) return { index: entry - 1, isNew: false };
      if (entry !== 0) continue;
      this.ids.setWords(this.size, words);
      this.size += 1;
      this.table[slot] = this.size;
      if (2 * this.size > this.table.length) this.grow();
      return { index: this.size - 1, isNew: true };
    }
  }

  private next(slot: number): number {
    return (slot + 1) & (this.table.length - 1);
  }

  private grow(): void {
    const old = this.table;
    this.table = new Uint32Array(2 * old.length);
    for (const entry of old) {
      if (entry === 0) continue;
      let slot = this.ids.hash(entry - 1) & (this.table.length - 1);
      while (this.table[slot] !== 0) slot = this.next(slot);
      this.table[slot] = entry;
    }
  }
}
