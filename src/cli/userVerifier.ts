import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { sha256 } from '../../events/digest';
import { VerifierChannel, type VerifierCommand } from '../adapters/verifier/channel';
import type { Judgement, Verifier } from '../tasks/userTask';
import { stop } from './faults';

const optional = <C extends t.Mixed>(codec: C) => t.union([codec, t.undefined, t.null]);

const Answer = t.type({
  verdict: t.keyof({ correct: null, incorrect: null, error: null }),
  step: optional(t.string),
  segment: optional(t.string),
  reason: optional(t.string),
  errorClass: optional(t.string),
});

const Update = t.type({ update: t.union([t.string, t.null]) });

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
};

const judgementOf = (line: string): Judgement | undefined => {
  const decoded = Answer.decode(parsed(line));
  if (E.isLeft(decoded)) return undefined;
  const { verdict, step, segment, reason, errorClass } = decoded.right;
  if (verdict === 'correct') return { verdict };
  if (verdict === 'error') return { verdict, reason: reason ?? 'no reason given', errorClass: errorClass ?? 'error' };
  if (!step || !segment || !reason) return undefined;
  return { verdict, step, segment, reason, errorClass: errorClass ?? 'incorrect' };
};

/** Whether an input is one of the sample that is asked twice: by its own digest, so that the sample is the same each time. */
const isSampled = (line: string, every: number): boolean =>
  Number.parseInt(sha256(new TextEncoder().encode(line)).slice(0, 8), 16) % Math.max(1, Math.floor(every)) === 0;

/**
 * A user's verifier program as FBK and IMP: one JSON object a line, one answer a line. Starts with the first question.
 * A program that fails, or that answers the same question in two ways, ends the command with a fault that says so.
 */
export const openVerifier = (settings: VerifierCommand & { readonly askTwiceEvery: number }): Verifier => {
  const command = settings.command.join(' ');
  let channel: VerifierChannel | undefined;
  const once = (line: string): string => {
    const answer = (channel ??= new VerifierChannel(settings)).ask(line);
    return E.isRight(answer) ? answer.right : stop({ tag: 'VerifierFailed', command, ...answer.left });
  };
  const ask = <T>(question: object, read: (line: string) => T | undefined, wanted: string): T => {
    const line = JSON.stringify(question);
    const first = once(line);
    const answer = read(first);
    if (answer === undefined) {
      const message = `its answer is not ${wanted}: ${first.slice(0, 200)}`;
      return stop({ tag: 'VerifierFailed', command, message, stderr: '' });
    }
    if (!isSampled(line, settings.askTwiceEvery)) return answer;
    const second = once(line);
    if (JSON.stringify(read(second)) !== JSON.stringify(answer)) {
      return stop({ tag: 'VerifierDiffers', command, first: first.slice(0, 300), second: second.slice(0, 300) });
    }
    return answer;
  };
  return {
    feedback: ({ question, options, answer }, attempt) =>
      ask(
        { ask: 'feedback', problem: { question, options, answer }, attempt },
        judgementOf,
        '{"verdict": "correct" | "incorrect" | "error", "step", "segment", "reason"}',
      ),
    improve: ({ question, options, answer }, attempt, { step, segment, reason }) =>
      ask(
        { ask: 'improve', problem: { question, options, answer }, attempt, verdict: { step, segment, reason } },
        (line) => {
          const decoded = Update.decode(parsed(line));
          return E.isRight(decoded) ? { update: decoded.right.update } : undefined;
        },
        '{"update": text | null}',
      ).update ?? undefined,
  };
};
