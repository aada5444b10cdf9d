import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { systemClock } from '../../src/adapters/system/clock';
import { servedModel } from '../../src/calls/servedModel';
import { CallBook, type Source } from '../../src/collect/callBook';
import { Caller } from '../../src/collect/caller';
import { collectTrajectories, type CollectPorts, type CollectSettings } from '../../src/collect/collectTrajectories';
import { teacherEditor, withAnswerPrompt, type TeacherSettings } from '../../src/collect/teacherEditor';
import { paperOptions } from '../../src/collect/trajectoryState';
import { loadPrompts } from '../../src/cli/promptFolder';
import { guardedLog } from '../../src/ledger/keyGuard';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import type { BlobStore } from '../../src/ports/blobStore';
import type { EventLog } from '../../src/ports/eventLog';
import { poseSet } from '../../src/run/problems';
import type { ProblemPosed } from '../../events/problemPosed';
import type { Task } from '../../src/tasks/task';
import { must, testClock } from '../support/events';
import { endpointAt } from '../support/fakeServer';

export const apiKey = `sk-proj-${'T3st'.repeat(10)}`;

const sampling = (temperature: number, maxTokens: number) => ({ temperature, topK: null, topP: null, maxTokens });

export const teacherSettings = (task: Task): TeacherSettings => ({
  prompts: loadPrompts(task, undefined),
  sampling: { feedback: sampling(0, 400), improvement: sampling(0.7, 1500) },
});

export const settings: CollectSettings = {
  iteration: 1,
  problemSet: 'some',
  passes: 1,
  seed: 5,
  sampling: sampling(1, 1500),
  maxCalls: 2,
  edit: paperOptions,
  rightAnswer: 'fbk',
  concurrency: 4,
};

export interface Place extends Source {
  readonly log: EventLog;
  readonly blobs: BlobStore;
}

export const newPlace = (): Place => ({
  log: guardedLog(openMemoryLog({ now: testClock() }), [apiKey]),
  blobs: memoryBlobStore(),
});

export const pose = async (place: Place, task: Task, count: number): Promise<readonly ProblemPosed[]> => {
  const counts = { train: count, testSeen: 0, testUnseen: 0 };
  return must(await poseSet(place.log, { task, config: {}, seed: 3, counts, gold: null })).problems;
};

export interface Asked {
  readonly url: string;
  readonly live?: boolean;
  readonly from?: readonly Source[];
  readonly signal?: AbortSignal;
  readonly atOnce?: number;
  readonly model?: string;
  /** The teacher answers too, under its prompt. */
  readonly demo?: boolean;
}

/** Student and teacher at one server, as the command line makes them. */
export const portsAt = async (
  place: Place,
  task: Task,
  {
    url,
    live = true,
    from = [],
    signal = new AbortController().signal,
    atOnce = 4,
    model: name = 'm',
    demo = false,
  }: Asked,
): Promise<CollectPorts & { readonly caller: Caller }> => {
  const endpoint = endpointAt(url, { apiKey, timeoutMs: 1500, model: name });
  const model = must(
    servedModel(
      {
        limits: { concurrency: atOnce, requestsPerMinute: null, tokensPerMinute: null },
        prices: { currency: 'USD', per: 1_000_000, models: {} },
        backoff: { firstMs: 1, longestMs: 8, longestRetryAfterMs: 10_000 },
        breaker: { failures: 100, openMs: 5 },
      },
      { endpoint, blobs: place.blobs, clock: systemClock },
    ),
  );
  const book = must(await CallBook.read([place, ...from]));
  const common = { model, live, book, secrets: [apiKey], source: place, signal };
  const student = new Caller({ ...common, author: 'student' });
  const teacher = new Caller({ ...common, author: 'teacher' });
  const taught = teacherSettings(task);
  const editor = teacherEditor(task, taught, teacher);
  const { rationale } = taught.prompts;
  return {
    log: place.log,
    student: { ...model, batch: 4 * atOnce },
    answers: demo ? { caller: teacher, prompt: rationale } : { caller: student },
    editor: demo ? withAnswerPrompt(editor, rationale).editor : editor,
    task,
    signal,
    caller: teacher,
  };
};

export const collectAt = async (
  place: Place,
  task: Task,
  problems: readonly ProblemPosed[],
  asked: Asked,
  changed: Partial<CollectSettings> = {},
) => collectTrajectories(problems, { ...settings, ...changed }, await portsAt(place, task, asked));
