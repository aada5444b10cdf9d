/** Elements of one block: a column grows block by block, so that growing never copies it. */
const bits = 14;
const block = 2 ** bits;

/** Whole numbers below 2^32 by index, four bytes each; what was never set is 0. */
export class Column {
  private readonly blocks: Uint32Array[] = [];

  get(i: number): number {
    return this.blocks[i >>> bits]?.[i & (block - 1)] ?? 0;
  }

  set(i: number, value: number): void {
    const at = i >>> bits;
    while (this.blocks.length <= at) this.blocks.push(new Uint32Array(block));
    const found = this.blocks[at];
    if (found !== undefined) found[i & (block - 1)] = value;
  }
}

/** The same for numbers below 256, one byte each. */
export class ByteColumn {
  private readonly blocks: Uint8Array[] = [];

  get(i: number): number {
    return this.blocks[i >>> bits]?.[i & (block - 1)] ?? 0;
  }

  set(i: number, value: number): void {
    const at = i >>> bits;
    while (this.blocks.length <= at) this.blocks.push(new Uint8Array(block));
    const found = this.blocks[at];
    if (found !== undefined) found[i & (block - 1)] = value;
  }
}

/** The same for any numbers, eight bytes each. */
export class FloatColumn {
  private readonly blocks: Float64Array[] = [];

  get(i: number): number {
    return this.blocks[i >>> bits]?.[i & (block - 1)] ?? 0;
  }

  set(i: number, value: number): void {
    const at = i >>> bits;
    while (this.blocks.length <= at) this.blocks.push(new Float64Array(block));
    const found = this.blocks[at];
    if (found !== undefined) found[i & (block - 1)] = value;
  }
}

/** Texts of which there are few, each once: the number of a text, and the text of a number. */
export class Interned {
  private readonly numbers = new Map<string, number>();
  private readonly texts: string[] = [];

  numberOf(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const fresh = this.texts.length;
    this.numbers.set(text, fresh);
    this.texts.push(text);
    return fresh;
  }

  text(number: number): string {
    const text = this.texts[number];
    if (text === undefined) throw new RangeError(`no text has the number ${number}`);
    return text;
  }

  /** The place of every number among the texts in order. */
  ranks(compare: (a: string, b: string) => number): Uint32Array {
    const order = this.texts.map((text, i) => ({ text, i })).sort((a, b) => compare(a.text, b.text));
    const ranks = new Uint32Array(order.length);
    for (const [rank, { i }] of order.entries()) ranks[i] = rank;
    return ranks;
  }
}
