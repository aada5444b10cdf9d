import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { digestOf, isMapping, sha256 } from '../../events/digest';
import { parseYaml } from '../../projections/parseYaml';
import { Name, oneOf, otherwise, Ratio, section, Text } from '../../projections/policies/codecs';
import { linesOf } from '../tasks/attemptText';
import type { Task } from '../tasks/task';
import { userTask, type UserProblem } from '../tasks/userTask';
import { stop } from './faults';
import { readText, reason } from './inputFile';
import { openVerifier } from './userVerifier';

const TaskFile = section('task', {
  task: t.literal(1),
  name: Name,
  hint: otherwise(Text, ''),
  answer: otherwise(oneOf('text', 'number', 'choice'), 'text'),
  verifier: section('verifier', {
    command: t.array(Text),
    timeoutSeconds: otherwise(Ratio, 30),
    /** One in so many inputs is asked twice, to see that the answer is the same. */
    askTwiceEvery: otherwise(Ratio, 16),
  }),
});

/** One line of problems.jsonl, or what is wrong with it. */
const readProblem = (text: string): UserProblem | string => {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (!isMapping(row)) return 'it is no JSON object';
  const { question, options = null, answer, rationale = null, cell = 'all', seen = true } = row;
  if (typeof question !== 'string' || question.trim() === '') return 'question is missing or no text';
  if (question.includes('\n')) return 'question has more than one line; put further lines into options';
  if (options !== null && typeof options !== 'string') return 'options is no text';
  const right = typeof answer === 'number' ? String(answer) : answer;
  if (typeof right !== 'string' || right === '') return 'answer is missing, and neither a text nor a number';
  if (rationale !== null && typeof rationale !== 'string') return 'rationale is no text';
  if (typeof cell !== 'string' || typeof seen !== 'boolean') return 'cell is no text, or seen neither true nor false';
  const trimmed = rationale === null ? null : linesOf(rationale).join('\n');
  return { question, options, answer: right, rationale: trimmed, cell: { name: cell, seen } };
};

const readProblems = (path: string): readonly UserProblem[] => {
  const bad: string[] = [];
  const problems = new Map<string, UserProblem>();
  for (const [i, text] of readText(path).split('\n').entries()) {
    if (text.trim() === '') continue;
    const read = readProblem(text);
    if (typeof read === 'string') bad.push(`line ${i + 1}: ${read}`);
    else {
      const key = JSON.stringify([read.question, read.options]);
      if (problems.has(key)) bad.push(`line ${i + 1}: it asks what an earlier line asks`);
      problems.set(key, read);
    }
  }
  if (bad.length > 0) return stop({ tag: 'BadLines', path, lines: bad, total: bad.length });
  if (problems.size === 0) return stop({ tag: 'InputUnreadable', path, message: 'the file holds no problems' });
  return [...problems.values()];
};

const mostFiles = 1000;

/** The digest of every file of the folder, so that another verifier is another task; hidden files and node_modules left out. */
const folderDigest = (folder: string): string => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(/[\\/]/).some((part) => part.startsWith('.') || part === 'node_modules'))
    .sort();
  if (files.length > mostFiles) {
    const message = `it has ${files.length} files; a task has at most ${mostFiles}`;
    return stop({ tag: 'InputUnreadable', path: folder, message });
  }
  return digestOf(files.map((path) => [path, sha256(readFileSync(join(folder, path)))]));
};

/** A task of a user's own: a folder with task.yaml, problems.jsonl and a verifier. Its program starts when it is first asked. */
export const loadUserTask = (path: string): { readonly task: Task; readonly digest: string } => {
  const folder = resolve(path);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    return stop({ tag: 'InputUnreadable', path: folder, message: 'there is no such folder; a task is a folder' });
  }
  const file = join(folder, 'task.yaml');
  const read = parseYaml(readText(file), TaskFile);
  if (E.isLeft(read)) return stop({ tag: 'BadDocument', source: file, problems: read.left });
  const { name, hint, answer, verifier } = read.right;
  const problems = readProblems(join(folder, 'problems.jsonl'));
  let digest: string;
  try {
    digest = folderDigest(folder);
  } catch (failure) {
    return stop({ tag: 'InputUnreadable', path: basename(folder), message: reason(failure) });
  }
  const { command, timeoutSeconds, askTwiceEvery } = verifier;
  const settings = { command, cwd: folder, timeoutMs: Math.ceil(timeoutSeconds * 1000), askTwiceEvery };
  const lead = hint === '' || hint.startsWith(' ') ? hint : ` ${hint}`;
  return { task: userTask({ name, hint: lead, answer, problems, digest }, openVerifier(settings)), digest };
};
