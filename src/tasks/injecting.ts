import { readAttemptLine } from './attemptText';
import type { Injection } from './task';

/** Makes injections of a gold rationale's lines: each has one error, the lines after it left as they are. */
export const injecting = (lines: readonly string[]) => {
  const made: Injection[] = [];
  /**
   * Replaces line `at` by what `edit` makes of its text, or drops it where that is undefined; the error is expected at
   * `step`, the line's own unless given. None is made where there is no such line or its text stays.
   */
  const inject = (errorClass: string, at: number, edit: (text: string) => string | undefined, step?: string): void => {
    const read = readAttemptLine(lines[at] ?? '');
    const text = read && edit(read.text);
    if (!read || text === read.text) return;
    const changed = text === undefined ? [] : [`(${read.id}) ${text}`];
    made.push({
      errorClass,
      step: step ?? read.id,
      attempt: [...lines.slice(0, at), ...changed, ...lines.slice(at + 1)].join('\n'),
    });
  };
  return { made, inject };
};
