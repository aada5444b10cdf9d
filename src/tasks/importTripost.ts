import { isMapping } from '../../events/digest';
import { countSteps, linesOf } from './attemptText';
import { cellBySteps } from './dateUnderstanding/generate';
import type { Cell, Problem, Task } from './task';

/** A problem of the reference's data files with its gold rationale. */
export interface ImportedProblem {
  readonly problem: Problem;
  /** The gold rationale: lines joined by newlines, no header. */
  readonly rationale: string;
  /** What the file writes after "step by step.", with its leading space, or empty; the task's own hint may differ. */
  readonly hint: string;
  readonly cell: Cell;
}

export type Imported =
  | { readonly ok: true; readonly value: ImportedProblem }
  /** `message` names the line and the field. */
  | { readonly ok: false; readonly message: string };

const isWords = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string');

/**
 * Reads one JSONL line of the reference's data format: `{text, meta_data: {question, rationale, answer,
 * formatted_choices?}}`. Word-sorting answers are lists, its question holds the `List:` line; the choice tasks have
 * `formatted_choices`. `line` counts from 1.
 */
export const importTripost = (json: string, line: number, task: Task): Imported => {
  const no = (message: string): Imported => ({ ok: false, message: `line ${line}: ${message}` });
  let row: unknown;
  try {
    row = JSON.parse(json);
  } catch {
    return no('it is no JSON');
  }
  if (!isMapping(row)) return no('it is no JSON object');
  const data = row['meta_data'];
  if (!isMapping(data)) return no('meta_data is missing or no object');
  const { text } = row;
  const { question, rationale, answer, formatted_choices: choices } = data;
  if (typeof text !== 'string') return no('text is missing or no string');
  if (typeof question !== 'string' || question === '') return no('meta_data.question is missing or no string');
  if (typeof rationale !== 'string' || rationale === '') return no('meta_data.rationale is missing or no string');
  const answerString = isWords(answer) ? answer.join(' ') : answer;
  if (typeof answerString !== 'string' || answerString === '')
    return no('meta_data.answer is neither a string nor a list of words');
  if (choices !== undefined && typeof choices !== 'string') return no('meta_data.formatted_choices is no string');

  const [first = '', ...rest] = question.split('\n');
  const hasChoices = task.name === 'date-understanding' || task.name === 'logical-deduction';
  if (hasChoices && choices === undefined)
    return no(`meta_data.formatted_choices is missing, which ${task.name} needs`);
  if (task.name === 'word-sorting' && !rest[0]?.startsWith('List: '))
    return no('meta_data.question has no "List: " line');
  if (task.name === 'multistep-arithmetic' && !/^[-+*() \d]+=$/.test(question.trim())) {
    return no('meta_data.question is no arithmetic expression');
  }
  const options = choices === undefined ? (rest.length > 0 ? rest.join('\n') : null) : `Options:\n${choices}`;
  const problem = { question: choices === undefined ? first : question, options, answer: answerString };
  const hint = /\nAnswer: Let's think step by step\.([^\n]*)/.exec(text)?.[1];
  if (hint === undefined) return no('text has no "Answer: Let\'s think step by step." line');
  const trimmed = linesOf(rationale).join('\n');
  const cell = task.name === 'date-understanding' ? cellBySteps(countSteps(trimmed)) : task.cellOf(problem);
  return { ok: true, value: { problem, rationale: trimmed, hint, cell } };
};
