import type { Draws } from '../../projections/random';
import { renderTurn } from '../tasks/trajectoryText';
import { anAnswer } from './protocol';
import { solved, type Solved } from './solved';

const form = /^Q: ([^\n]*)\n([\s\S]*?)Answer: Let's think step by step\.([^\n]*)(?:\n([\s\S]*))?$/;

/** An answer's own feedback, and an update where it is wrong. */
const judged = ({ task, script, problem }: Solved, attempt: string): string => {
  const verdict = script.feedback(problem, attempt);
  const said = renderTurn('feedback', verdict.text, '');
  const better = verdict.verdict === 'incorrect' ? script.improve(problem, attempt, verdict) : undefined;
  return better === undefined ? said : `${said}${renderTurn('improvement', better, task.hint)}`;
};

/**
 * What a well-trained student would go on with behind a student's prompt (src/tasks/trajectoryText.ts): an answer, right or
 * wrong, its feedback, and an update where it is wrong; behind a prompt that ends with an answer, feedback and update.
 * Undefined where the prompt is of another form, or of a question that no task's script can solve.
 */
export const studentText = (prompt: string, drawn: Draws): string | undefined => {
  const [, question, lines = '', hint = '', attempt] = form.exec(prompt) ?? [];
  if (question === undefined) return undefined;
  const found = solved(question, lines === '' ? null : lines.replace(/\n$/, ''), hint);
  if (found === undefined) return undefined;
  if (attempt !== undefined && attempt !== '') return judged(found, attempt);
  const answer = anAnswer(found.script, found.problem, drawn);
  return `${renderTurn('attempt', answer, '')}${judged(found, answer)}`;
};
