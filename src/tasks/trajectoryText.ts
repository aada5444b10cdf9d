import { finalResponse, readAttemptLine } from './attemptText';
import type { Problem } from './task';

/**
 * A stretch of a student's text. `text` is exactly its characters [start, end), leading newline and header included.
 */
export interface Turn {
  readonly kind: 'attempt' | 'feedback' | 'improvement';
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The text without leading newline and header. */
  readonly body: string;
}

export interface ParsedTurns {
  readonly turns: readonly Turn[];
  /** Blank characters after the last turn; part of no turn. */
  readonly trailing: string;
  /** The first line that is not in the format (`at`: its leading newline), or the start of an unfinished last turn. */
  readonly leftOver: { readonly at: number; readonly reason: string; readonly line: string } | null;
}

const cue = "Let's think step by step.";

export const feedbackHeader = '\nFeedback: ';

/** `hint` is the task's, with its leading space, or empty. The original leaves it out here. */
export const improvementHeader = (hint: string): string => `\nUpdated Answer: ${cue}${hint}\n`;

/** The student's prompt; its completion begins with a newline. */
export const renderPrompt = (problem: Problem, task: { readonly hint: string }): string =>
  `Q: ${problem.question}\n${problem.options === null ? '' : `${problem.options}\n`}Answer: ${cue}${task.hint}`;

/** A body with the leading newline and header of its kind. */
export const renderTurn = (kind: Turn['kind'], body: string, hint: string): string => {
  if (kind === 'feedback') return `${feedbackHeader}${body}`;
  return kind === 'improvement' ? `${improvementHeader(hint)}${body}` : `\n${body}`;
};

/** The turn being read. */
interface OpenTurn {
  readonly kind: Turn['kind'];
  readonly start: number;
  readonly bodyStart: number;
  finished: boolean;
}

/**
 * Splits a completion (what follows the prompt, beginning with a newline) into turns. The turns' texts, followed by
 * everything after the last one (`trailing`, or what `leftOver` complains about), are the completion exactly.
 */
export const parseTurns = (
  completion: string,
  { startsWith }: { readonly startsWith: 'attempt' | 'feedback' },
): ParsedTurns => {
  const turns: Turn[] = [];
  const content = completion.trimEnd();
  let open: OpenTurn | undefined;
  const close = (end: number): void => {
    if (open?.finished) {
      const { kind, start, bodyStart } = open;
      turns.push({ kind, start, end, text: completion.slice(start, end), body: completion.slice(bodyStart, end) });
      open = undefined;
    }
  };
  const lineAt = (at: number): string => {
    const next = content.indexOf('\n', at + 1);
    return content.slice(at + 1, next < 0 ? undefined : next);
  };
  const stop = (at: number, reason: string): ParsedTurns => {
    close(at);
    return { turns, trailing: '', leftOver: { at, reason, line: lineAt(at) } };
  };
  const unfinished = (turn: OpenTurn): ParsedTurns => stop(turn.start, `the ${turn.kind} is not finished`);

  if (!content.startsWith('\n')) {
    const reason = content === '' ? 'the text is empty' : 'the text does not begin on a new line';
    return { turns, trailing: '', leftOver: { at: 0, reason, line: content.split('\n')[0] ?? '' } };
  }
  for (let at = 0; at < content.length; ) {
    const line = lineAt(at);
    const next = at + 1 + line.length;
    const before = open?.kind ?? (startsWith === 'feedback' ? 'attempt' : undefined);
    if (line.startsWith('Feedback:')) {
      if (before === undefined) return stop(at, 'feedback comes before any attempt');
      if (before === 'feedback') return stop(at, 'the header "Feedback:" is repeated');
      if (open && !open.finished) return unfinished(open);
      close(at);
      open = { kind: 'feedback', start: at, bodyStart: at + feedbackHeader.length, finished: line.endsWith('.') };
    } else if (line.startsWith('Updated Answer:')) {
      if (before === 'improvement') return stop(at, 'the header "Updated Answer:" is repeated');
      if (open?.kind !== 'feedback') return stop(at, 'an updated answer comes without feedback');
      open.finished ||= line.length > 0 && open.bodyStart < at;
      if (!open.finished) return unfinished(open);
      close(at);
      open = { kind: 'improvement', start: at, bodyStart: next + 1, finished: false };
      if (!line.startsWith(`Updated Answer: ${cue}`)) {
        return next < content.length ? stop(at, 'the header "Updated Answer:" is in another form') : unfinished(open);
      }
    } else if (readAttemptLine(line)) {
      if (before === undefined) open = { kind: 'attempt', start: at, bodyStart: at + 1, finished: false };
      if (!open || open.kind === 'feedback') return stop(at, 'a step stands outside an answer');
      if (open.finished) return stop(at, 'a step follows the final response');
      open.finished = readAttemptLine(line)?.id === finalResponse;
    } else {
      return stop(at, /^\s*Q:/.test(line) ? 'a second question begins' : 'the line is in no known form');
    }
    at = next;
  }
  if (open && !open.finished) return unfinished(open);
  close(content.length);
  return { turns, trailing: completion.slice(content.length), leftOver: null };
};
