import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isTaskFolder } from '../../run/config';
import { findTask } from '../../tasks';
import { jsonFlag, type Command } from '../command';
import { stop } from '../faults';
import { configTemplate, hintTemplate, policyTemplate } from '../initTemplate';
import { readText } from '../inputFile';
import { packageRoot } from '../packageRoot';
import { writeFolder } from '../studentFolder';

const shipped = (...path: readonly string[]): string => readText(join(packageRoot, ...path));

const filesOf = (task: string): ReadonlyMap<string, string> =>
  new Map([
    ['run.yaml', configTemplate(task)],
    ['policy.yaml', policyTemplate],
    ['README.md', hintTemplate],
    ['schemas/run.schema.json', shipped('src', 'run', 'run.schema.json')],
    ['schemas/policy.schema.json', shipped('projections', 'policies', 'policy.schema.json')],
  ]);

export const init: Command = {
  name: 'init',
  summary: 'Write a commented config and policy to start from into a folder',
  json: 'object',
  details:
    'Writes run.yaml, policy.yaml, README.md and the schemas by which editors complete and check them; refuses where one of ' +
    'them is there already. JSON: {folder, files}.',
  arguments: [{ name: '[folder]', description: 'where to; made if need be (default: here)' }],
  flags: [
    {
      flags: '--task <name>',
      description: 'the task to run: a name, or the folder of your own as ./my-task',
      fallback: 'word-sorting',
    },
    jsonFlag,
  ],
  examples: [
    'tripost init',
    'tripost init --task logical-deduction',
    'tripost init experiments/first && cd experiments/first && tripost run run.yaml',
  ],
  run: async (args, context) => {
    const task = args.need('task');
    if (!isTaskFolder(task)) {
      const found = findTask(task);
      if (!found.ok) stop({ tag: 'UnknownName', message: `--task: ${found.message}` });
    }
    const folder = resolve(args.maybeAt(0) ?? '.');
    const files = filesOf(task);
    for (const name of files.keys()) {
      const path = join(folder, name);
      if (existsSync(path)) stop({ tag: 'WouldOverwrite', path, message: 'it is there already' });
    }
    writeFolder(folder, new Map([...files].map(([name, text]) => [name, new TextEncoder().encode(text)])), false);
    if (context.json) await context.out.json({ folder, files: [...files.keys()] });
    else
      await context.out.line(
        `Wrote ${[...files.keys()].join(', ')} in ${folder}\nnext: tripost run ${join(folder, 'run.yaml')}`,
      );
    return 'ok';
  },
};
