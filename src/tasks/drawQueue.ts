import type { Draws } from '../../projections/random';

/** Draws from one stream, one after another. */
export class DrawQueue {
  private next = 0;

  constructor(private readonly stream: Draws) {}

  /** An integer from 0, below n. */
  integer(n: number): number {
    return this.stream.integer(this.next++, n);
  }

  between(from: number, to: number): number {
    return from + this.integer(to - from + 1);
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.integer(list.length)];
    if (picked === undefined) throw new Error('a draw from an empty list');
    return picked;
  }

  /** The list in a drawn order (Fisher-Yates). */
  shuffle<T>(list: readonly T[]): readonly T[] {
    const rest = [...list];
    return list.flatMap(() => rest.splice(this.integer(rest.length), 1));
  }
}
