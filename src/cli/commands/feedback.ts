import { addAbortSignal } from 'node:stream';
import { isMapping } from '../../../events/digest';
import type { Problem, Script, Verdict } from '../../tasks/task';
import type { Command } from '../command';
import { stop } from '../faults';
import { namedTask } from '../namedTask';
import { linesOf, type Line } from '../lines';

interface Answer {
  readonly verdict: Verdict['verdict'];
  readonly step: string | null;
  readonly segment: string | null;
  readonly reason: string | null;
  readonly text: string | null;
}

const refuse = ({ number }: Line, message: string): Answer => {
  return { verdict: 'error', step: null, segment: null, reason: `line ${number}: ${message}`, text: null };
};

const isWords = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string');

const answerText = (answer: unknown): string | undefined => {
  if (typeof answer === 'string') return answer;
  if (typeof answer === 'number' && Number.isFinite(answer)) return String(answer);
  return isWords(answer) ? answer.join(' ') : undefined;
};

/** The problem and the attempt of one line; a sentence where there are none. A question may hold its options' lines. */
const readLine = (text: string): { readonly problem: Problem; readonly attempt: string } | string => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (!isMapping(value)) return 'it is no JSON object';
  const { question, attempt, options } = value;
  const answer = answerText(value['answer']);
  if (typeof question !== 'string' || question === '') return 'question is missing or no string';
  if (typeof attempt !== 'string') return 'attempt is missing or no string';
  if (answer === undefined) return 'answer is missing, and neither a string nor a list of words';
  if (options !== undefined && options !== null && typeof options !== 'string') return 'options is no string';
  const [first = '', ...rest] = question.split('\n');
  if (typeof options === 'string') return { problem: { question, options, answer }, attempt };
  return { problem: { question: first, options: rest.length === 0 ? null : rest.join('\n'), answer }, attempt };
};

const judge = (line: Line, script: Script): Answer => {
  if (line.text === undefined) return refuse(line, 'it is too long');
  const read = readLine(line.text);
  if (typeof read === 'string') return refuse(line, read);
  const verdict = script.feedback(read.problem, read.attempt);
  const nothing = { step: null, segment: null, reason: null };
  if (verdict.verdict === 'correct') return { ...nothing, verdict: 'correct', text: verdict.text };
  if (verdict.verdict === 'error') return { ...nothing, verdict: 'error', reason: verdict.reason, text: verdict.text };
  const { step, segment, reason, text } = verdict;
  return { verdict: 'incorrect', step, segment, reason, text };
};

export const feedback: Command = {
  name: 'feedback',
  summary: 'The scripted verifier for pipes: JSON Lines of attempts in, one verdict a line out',
  json: 'lines',
  details: [
    'Reads {question, attempt, answer[, options]} a line, and writes, in the same order, one line for each:',
    '{verdict: "correct" | "incorrect" | "error", step, segment, reason, text}; what does not apply is null.',
    '"error": the attempt is not in the task\'s format, or the line cannot be read (reason then begins with "line <n>:").',
    'text is the feedback in the training grammar, without its "Feedback: " header.',
  ].join('\n'),
  arguments: [],
  flags: [
    { flags: '--task <name>', description: 'the task whose verifier judges; ./my-task: a folder of your own' },
    { flags: '--json', description: 'JSON Lines are all this command prints; taken for uniformity' },
  ],
  examples: [
    'tripost feedback --task multistep-arithmetic < attempts.jsonl',
    'cat attempts.jsonl | tripost feedback --task word-sorting | jq .verdict',
  ],
  run: async (args, context) => {
    const { name, script } = namedTask(args.need('task'), '--task');
    if (script === undefined) return stop({ tag: 'NoScript', task: name });
    const input = addAbortSignal(context.signal, context.stdin);
    let judged = 0;
    try {
      for await (const line of linesOf(input)) {
        await context.out.line(JSON.stringify(judge(line, script)));
        judged += 1;
      }
    } catch (failure) {
      if (context.signal.aborted) return stop({ tag: 'Stopped', what: `${judged} lines were judged` });
      throw failure;
    } finally {
      context.stdin.destroy();
    }
    return 'ok';
  },
};
