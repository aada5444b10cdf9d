/** The lines of an attempt: `(id) text`, ids like `2` or `3.4`, and a last line `(Final response) text`. */
export interface AttemptLine {
  /** `2`, `3.4` or `Final response`. */
  readonly id: string;
  /** What follows the id and one space. */
  readonly text: string;
  /** The whole line, exactly. */
  readonly line: string;
}

export const finalResponse = 'Final response';

const stepLine = /^\s*\(([1-9]\d{0,3}(?:\.[1-9]\d{0,3}){0,15}|Final response)\) (.*)$/;

/** Whether a line is a step or the final response; undefined where it is neither. */
export const readAttemptLine = (line: string): AttemptLine | undefined => {
  const [, id, text] = stepLine.exec(line) ?? [];
  return id === undefined || text === undefined ? undefined : { id, text, line };
};

export type SplitAttempt =
  | { readonly ok: true; readonly steps: readonly AttemptLine[]; readonly final: AttemptLine }
  | { readonly ok: false; readonly errorClass: string; readonly reason: string };

/** An attempt's lines without outer blank lines. */
export const linesOf = (attempt: string): readonly string[] => attempt.replace(/^\n+/, '').trimEnd().split('\n');

/**
 * Step ids in numeric order, component by component, the final response last (the original compares word-sorting ids
 * as strings, so that 10 comes before 2).
 */
export const compareStepIds = (a: string, b: string): number => {
  if (a === b) return 0;
  if (a === finalResponse) return 1;
  if (b === finalResponse) return -1;
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** Splits an attempt and refuses what is not steps in increasing order followed by one final response. */
export const splitAttempt = (attempt: string): SplitAttempt => {
  const steps: AttemptLine[] = [];
  let final: AttemptLine | undefined;
  for (const line of linesOf(attempt)) {
    if (final) return { ok: false, errorClass: 'line-after-final', reason: 'a line follows the final response' };
    const read = readAttemptLine(line);
    if (!read)
      return { ok: false, errorClass: 'unknown-line', reason: 'a line is neither a step nor the final response' };
    const last = steps.at(-1);
    if (read.id === finalResponse) final = read;
    else if (last && compareStepIds(last.id, read.id) >= 0) {
      return { ok: false, errorClass: 'step-order', reason: `step (${read.id}) comes after step (${last.id})` };
    } else steps.push(read);
  }
  return final
    ? { ok: true, steps, final }
    : { ok: false, errorClass: 'no-final-response', reason: 'the attempt has no final response' };
};

/** How many steps an attempt has, the final response not counted. */
export const countSteps = (attempt: string): number =>
  linesOf(attempt).filter((line) => {
    const id = readAttemptLine(line)?.id;
    return id !== undefined && id !== finalResponse;
  }).length;

/** The lines before a step, exactly; empty for the first step, undefined where the attempt has no such step. */
export const linesBefore = (attempt: string, step: string): readonly string[] | undefined => {
  const lines = linesOf(attempt);
  const at = lines.findIndex((line) => readAttemptLine(line)?.id === step);
  return at < 0 ? undefined : lines.slice(0, at);
};

/** What follows "the answer is" (and a colon) on an attempt's last line, without its period; undefined without it. */
export const answerText = (attempt: string): string | undefined => {
  const line = linesOf(attempt).at(-1) ?? '';
  const cue = /the answer is:?/i.exec(line);
  return cue
    ? line
        .slice(cue.index + cue[0].length)
        .trim()
        .replace(/\.$/, '')
        .trimEnd()
    : undefined;
};
