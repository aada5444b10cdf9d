import { sha256 } from '../../../events/digest';
import type { ProblemPosed } from '../../../events/problemPosed';
import { questionIndex, readChat, type ChatAnswer } from '../../collect/chatLog';
import { answersOnly, scriptedEditor } from '../../collect/editor';
import { importChats, type MatchedAnswer } from '../../collect/importChats';
import { paperOptions } from '../../collect/trajectoryState';
import type { EventLog } from '../../ports/eventLog';
import type { Args } from '../args';
import type { Context } from '../command';
import { withLedger } from '../compose';
import { must, stop, usage } from '../faults';
import { byPrefix, eventsOf } from '../find';
import { readBytes, utf8 } from '../inputFile';
import { taskOf } from './problems';

const bad = (path: string, lines: readonly string[]): never =>
  stop({ tag: 'BadLines', path, lines, total: lines.length });

const readAnswers = (path: string, text: string): readonly ChatAnswer[] => {
  const refused: string[] = [];
  const answers: ChatAnswer[] = [];
  for (const [i, json] of text.split('\n').entries()) {
    if (json.trim() === '') continue;
    const read = readChat(json, i + 1);
    if (read.ok) answers.push(read.answer);
    else refused.push(read.message);
  }
  if (refused.length > 0) return bad(path, refused);
  return answers.length > 0 ? answers : stop({ tag: 'InputUnreadable', path, message: 'the file holds no answers' });
};

/** The set that --problems names, or the only one of the task. */
const problemsOf = async (
  log: EventLog,
  task: string,
  named: string | undefined,
): Promise<{ readonly set: string; readonly problems: readonly ProblemPosed[] }> => {
  const posed = (await eventsOf(log, 'ProblemPosed')).map(({ data }) => data).filter((data) => data.task === task);
  const sets = [...new Set(posed.map((problem) => problem.set))];
  if (sets.length > 1 && named === undefined)
    usage(`--problems is needed: ${task} has ${sets.length} sets on this ledger, ${sets.slice(0, 6).join(', ')}`);
  const set = byPrefix('problem set', named ?? 'latest', sets);
  return { set, problems: posed.filter((problem) => problem.set === set) };
};

/** Puts the answers of a chat log on the ledger as trajectories; every line is matched before the first is written. */
export const importChatLog = async (path: string, args: Args, context: Context): Promise<void> => {
  const task = taskOf(args);
  const temperature = args.number('temperature') ?? 1;
  const named = args.text('model');
  const bytes = readBytes(path);
  const answers = readAnswers(path, utf8(path, bytes));
  await withLedger(args, context, 'append', async ({ log }) => {
    const { set, problems } = await problemsOf(log, task.name, args.text('problems'));
    const find = questionIndex(problems);
    const refused: string[] = [];
    const matched: MatchedAnswer[] = [];
    for (const chat of answers) {
      const problem = find(chat.question);
      const model = chat.model ?? named;
      if (problem === undefined) refused.push(`line ${chat.line}: no problem of set ${set} asks what its user asks`);
      else if (model === undefined) refused.push(`line ${chat.line}: it names no model: give --model`);
      else matched.push({ chat, problem, model });
    }
    if (refused.length > 0) return bad(path, refused);
    const { script } = task;
    const settings = { edit: paperOptions, rightAnswer: script === undefined ? 'answer-match' : 'fbk' } as const;
    const request = { answers: matched, file: sha256(bytes), problemSet: set, temperature, settings };
    const editor = script === undefined ? answersOnly : scriptedEditor(script);
    const { collections, added, known, outcomes } = must(await importChats(request, { log, editor, task }));
    if (context.json) {
      const counts = { answers: matched.length, added, known, collections, outcomes };
      return context.out.json({ format: 'messages', task: task.name, set, ...counts });
    }
    await context.out.line(
      `${matched.length} answers to problems of set ${set}: ${added} added, ${known} there already`,
    );
    for (const [outcome, times] of Object.entries(outcomes)) await context.out.line(`  ${outcome} ${times}`);
    for (const id of collections) await context.out.line(`collection ${id}`);
  });
};
