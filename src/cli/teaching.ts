import * as TE from 'fp-ts/TaskEither';
import { dirname, resolve } from 'node:path';
import type { Author, ModelRef } from '../../events/codecs';
import { canonicalJson } from '../../events/digest';
import { systemClock } from '../adapters/system/clock';
import { Budget } from '../calls/budget';
import { CallBook, type Source } from '../collect/callBook';
import { Caller } from '../collect/caller';
import type { Editor } from '../collect/editor';
import { planBlobs, teacherEditor, type TeacherSettings } from '../collect/teacherEditor';
import type { BlobStore } from '../ports/blobStore';
import type { LanguageModel } from '../ports/languageModel';
import type { RunInput } from '../run/runContext';
import type { Task } from '../tasks/task';
import type { Args } from './args';
import type { Context, Flag } from './command';
import { openLedger, type Ledger } from './compose';
import { apiOf, budgetOf, callFlags, openServed, servedSettings, serverOf } from './endpoint';
import { must } from './faults';
import { loadPrompts } from './promptFolder';
import type { Override } from './runConfig';
import { secretsInUse } from './secretsInUse';
import { spentOn } from './spent';

/** Flags of every command in which a model that a config names may be asked. */
export const servedFlags: readonly Flag[] = [
  { flags: '--offline', description: 'make no call: only what a ledger has recorded, and refuse what was never asked' },
  { flags: '--calls-from <ledger>', description: 'another ledger file whose recorded calls may be used as well' },
  ...callFlags,
];

/** Flags of every command in which a large model may speak. */
export const teacherFlags: readonly Flag[] = [
  {
    flags: '--teacher <model>',
    description:
      'FBK and IMP by this served model, over collect.editor; server and key: OPENAI_BASE_URL, OPENAI_API_KEY',
  },
  { flags: '--prompts <folder>', description: 'prompts over the shipped ones (src/prompts/shipped)' },
  ...servedFlags,
];

/** What the flags say of the teacher, over the config. */
export const teacherOverrides = (args: Args): readonly Override[] => {
  const model = args.text('teacher');
  const prompts = args.text('prompts');
  return [
    ...(model === undefined ? [] : [{ key: 'collect.editor.teacher.model', value: model, from: '--teacher' }]),
    ...(prompts === undefined
      ? []
      : [{ key: 'collect.editor.teacher.prompts', value: resolve(prompts), from: '--prompts' }]),
  ];
};

/** A model that is never asked: what it said is on a ledger. */
const silent = (ref: ModelRef, batch: number): LanguageModel => ({
  ref,
  batch,
  complete: () => TE.left({ tag: 'ModelUnavailable', message: 'no call may be made' }),
});

/** The environment that names a model's server: --student-url is the student's own. */
const environmentOf = (args: Args, author: Author): NodeJS.ProcessEnv => {
  const url = author === 'student' ? args.text('studentUrl') : undefined;
  return url === undefined ? process.env : { ...process.env, OPENAI_BASE_URL: url };
};

/** Refuses what flags and environment say wrongly of served models, before a ledger is made for their calls. */
export const checkServed = (args: Args, served: { readonly teacher: boolean; readonly student: boolean }): void => {
  const authors = (['teacher', 'student'] as const).filter((author) => served[author]);
  if (authors.length === 0) return;
  servedSettings(args);
  budgetOf(args);
  apiOf(args);
  if (!args.has('offline')) for (const author of authors) serverOf(environmentOf(args, author));
};

/** The recorded calls of one command, and the models that it asks. */
export interface Calls {
  readonly book: CallBook;
  readonly caller: (name: string, author: Author, as?: ModelRef) => Promise<Caller>;
  readonly close: () => Promise<void>;
}

/** Opens what recorded calls there are, and a way to make those that are missing. */
export const openCalls = async (args: Args, { log, blobs }: Ledger, context: Context): Promise<Calls> => {
  const own: Source = { log, blobs };
  const from = args.text('callsFrom');
  const other =
    from === undefined
      ? undefined
      : await openLedger(args.with([], { ledger: from, blobFolder: undefined }), context, 'read');
  const book = must(await CallBook.read(other === undefined ? [own] : [own, other]));
  const budget = new Budget(budgetOf(args), systemClock);
  const counted = new Set<string>();
  /** A model's live side, under the budget that all models of the command share. */
  const served = async (name: string, author: Author, ref: ModelRef): Promise<LanguageModel> => {
    const model = openServed(args.but('model', name), blobs, environmentOf(args, author), budget);
    const key = canonicalJson(ref);
    if (!counted.has(key)) budget.count(await spentOn(log, ref));
    counted.add(key);
    return model;
  };
  const caller: Calls['caller'] = async (name, author, as) => {
    const ref: ModelRef = as ?? { kind: 'endpoint', name };
    const live = !args.has('offline');
    const model = live ? await served(name, author, ref) : silent(ref, 16);
    return new Caller({
      model: { ref, batch: model.batch, complete: (...asked) => model.complete(...asked) },
      author,
      live,
      book,
      secrets: secretsInUse(process.env),
      source: own,
      signal: context.signal,
    });
  };
  return { book, caller, close: async () => other?.log.close() };
};

export const putAll = async (blobs: BlobStore, bytes: readonly Uint8Array[]): Promise<void> => {
  for (const one of bytes) must(await blobs.put(one)());
};

/** A teacher as a config describes it. */
export type Teaching = TeacherSettings & { readonly model: string };

/** What the config says of its teacher; undefined where the script edits. */
export const teacherSettings = ({ config, task }: RunInput, file: string): Teaching | undefined => {
  const { editor } = config.collect;
  if (editor === 'script') return undefined;
  const { model, prompts, feedback, improvement } = editor.teacher;
  const folder = prompts === null ? undefined : resolve(dirname(resolve(file)), prompts);
  return { model, prompts: loadPrompts(task, folder), sampling: { feedback, improvement } };
};

/** The editor of a config: undefined where it is the task's script. */
export const openTeacher = async (task: Task, settings: Teaching, calls: Calls, blobs: BlobStore): Promise<Editor> => {
  await putAll(blobs, planBlobs(settings));
  return teacherEditor(task, settings, await calls.caller(settings.model, 'teacher'));
};
