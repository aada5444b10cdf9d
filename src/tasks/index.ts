import { dateUnderstanding } from './dateUnderstanding/dateUnderstanding';
import { listFunctions } from './listFunctions';
import { logicalDeduction } from './logicalDeduction/logicalDeduction';
import { multistepArithmetic } from './multistepArithmetic/multistepArithmetic';
import type { Task } from './task';
import { wordSorting } from './wordSorting/wordSorting';

/** Every task by name; test/tasks/laws.test.ts checks the laws for each. */
export const tasks: ReadonlyMap<string, Task> = new Map(
  [multistepArithmetic, wordSorting, dateUnderstanding, logicalDeduction, listFunctions].map((task) => [
    task.name,
    task,
  ]),
);

/** Levenshtein distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

/** The task of a name, or a sentence that lists the names and suggests the nearest. */
export const findTask = (
  name: string,
): { readonly ok: true; readonly task: Task } | { readonly ok: false; readonly message: string } => {
  const task = tasks.get(name);
  if (task) return { ok: true, task };
  const names = [...tasks.keys()];
  const sought = name.slice(0, 60).toLowerCase().replaceAll('_', '-');
  const nearest = names.map((other) => ({ other, far: distance(sought, other) })).sort((a, b) => a.far - b.far)[0];
  const hint = nearest && nearest.far <= nearest.other.length / 2 ? ` Did you mean "${nearest.other}"?` : '';
  return { ok: false, message: `There is no task "${name}".${hint} The tasks are ${names.join(', ')}.` };
};
