import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { promptKinds, parseNote, parsePrompt, type PromptKind } from '../prompts/promptDocument';
import { resolvePrompts, type PromptFiles, type PromptSet } from '../prompts/promptSet';
import type { Task } from '../tasks/task';
import { stop, usage } from './faults';
import { readText } from './inputFile';
import { packageRoot } from './packageRoot';
import { isFolder } from './studentFolder';

export const shippedPrompts = join(packageRoot, 'src', 'prompts', 'shipped');

const isKind = (name: string): name is PromptKind => promptKinds.some((kind) => kind === name);

const yamlFile = /^(.+)\.ya?ml$/;

/** The prompts of a folder: `<kind>.yaml` and `<task>.yaml`; what is in neither form is refused, with its line. */
const readFolder = (folder: string): PromptFiles => {
  const prompts: [PromptKind, PromptFiles['prompts'] extends ReadonlyMap<unknown, infer D> ? D : never][] = [];
  const notes: [string, PromptFiles['notes'] extends ReadonlyMap<unknown, infer D> ? D : never][] = [];
  for (const file of readdirSync(folder).sort()) {
    const [, name] = yamlFile.exec(file) ?? [];
    if (name === undefined) continue;
    const source = join(folder, file);
    const text = readText(source);
    if (isKind(name)) {
      const read = parsePrompt(text);
      if (E.isLeft(read)) return stop({ tag: 'BadDocument', source, problems: read.left });
      if (read.right.kind !== name) usage(`${source}: kind is ${read.right.kind}; a file is named by its kind`);
      prompts.push([name, read.right]);
    } else {
      const read = parseNote(text);
      if (E.isLeft(read)) return stop({ tag: 'BadDocument', source, problems: read.left });
      notes.push([read.right.task, read.right]);
    }
  }
  if (prompts.length + notes.length === 0)
    usage(`${folder}: there is no prompt in it; expected ${promptKinds.join('.yaml, ')}.yaml, or <task>.yaml`);
  return { prompts: new Map(prompts), notes: new Map(notes) };
};

/** The shipped prompts of a task, and over them those of a folder. */
export const loadPrompts = (task: Task, folder: string | undefined): PromptSet => {
  const shipped = readFolder(shippedPrompts);
  if (folder !== undefined && !(existsSync(folder) && isFolder(folder)))
    return stop({ tag: 'InputUnreadable', path: folder, message: 'there is no such folder' });
  const own = folder === undefined ? undefined : readFolder(folder);
  const files: PromptFiles = {
    prompts: new Map([...shipped.prompts, ...(own?.prompts ?? [])]),
    notes: new Map([...shipped.notes, ...(own?.notes ?? [])]),
  };
  const resolved = resolvePrompts(task, files);
  return E.isLeft(resolved) ? usage(resolved.left) : resolved.right;
};
