import type { Draws } from '../../projections/random';
import { renderFinding } from '../prompts/replies';
import type { Problem } from '../tasks/task';
import { anAnswer } from './protocol';
import { solved, type Solved } from './solved';

/** A problem as prompts show it, what follows it, and the line that asks (src/prompts/shipped). */
const form =
  /^Q: ([^\n]*)\n([\s\S]*?)Answer: Let's think step by step\.([^\n]*)\n([\s\S]*?)\n*(Which is the first wrong step\?|Write the updated answer\.|Write the answer\.|Write the steps that lead to it\.)$/;

type Asking = (found: Solved, attempt: string, drawn: Draws) => string | undefined;

const updated: Asking = ({ script, problem }, given) => {
  const at = given.lastIndexOf('\nFeedback: ');
  const attempt = at < 0 ? given : given.slice(0, at);
  const verdict = script.feedback(problem, attempt);
  return script.improve(problem, attempt, verdict) ?? script.gold(problem);
};

const asking: Readonly<Record<string, Asking>> = {
  'Which is the first wrong step?': ({ script, problem }, attempt) => {
    const verdict = script.feedback(problem, attempt.trimEnd());
    return renderFinding(verdict) ?? `Step: (99)\nPart: ${attempt.split('\n')[0] ?? ''}\nReason: it cannot be read.`;
  },
  'Write the updated answer.': updated,
  'Write the answer.': ({ script, problem }, _, drawn) => anAnswer(script, problem, drawn),
  'Write the steps that lead to it.': ({ script, problem }) => script.gold(problem),
};

/** The question that a conversation is about: its last message, or an earlier one where that asks to mend a reply. */
export const promptedText = (prompt: string, drawn: Draws): string | undefined => {
  const [, question, lines = '', hint = '', rest = '', line = ''] = form.exec(prompt) ?? [];
  const reply = asking[line];
  if (question === undefined || reply === undefined) return undefined;
  const options: Problem['options'] = lines === '' ? null : lines.replace(/\n$/, '');
  const found = solved(question, options, hint);
  return found === undefined ? undefined : reply(found, rest.trimEnd(), drawn);
};
