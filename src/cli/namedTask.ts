import { resolve } from 'node:path';
import { isTaskFolder } from '../run/config';
import { findTask } from '../tasks';
import type { Task } from '../tasks/task';
import { stop } from './faults';
import { loadUserTask } from './userTaskFolder';

/** The task of a name, or of a folder such as `./my-task`, relative to where the command is given. */
export const namedTask = (name: string, where: string): Task => {
  if (isTaskFolder(name)) return loadUserTask(resolve(name)).task;
  const found = findTask(name);
  return found.ok ? found.task : stop({ tag: 'UnknownName', message: `${where}: ${found.message}` });
};

/** The task that problems on a ledger are of: the one named with `--task`, where it is theirs, or one that is built in. */
export const taskOfProblems = (name: string, given: Task | undefined): ReturnType<typeof findTask> =>
  given?.name === name ? { ok: true, task: given } : withHint(findTask(name));

const withHint = (found: ReturnType<typeof findTask>): ReturnType<typeof findTask> =>
  found.ok
    ? found
    : { ok: false, message: `${found.message} A task of your own is named by its folder: --task ./my-task.` };
