import * as E from 'fp-ts/Either';
import { ortRuntime, type OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import { answerCalls, type Answer } from '../adapters/threads/calls';
import type { CompletionRequest, LanguageModel, ScoreRequest, Scorer } from '../ports/languageModel';
import type { StudentSettings } from '../train/student';
import { localStudents, type Students } from '../train/students';
import { loadTokenizer, type TokenizerSource } from '../train/tokenizer';

// A worker thread in which students answer: src/cli/threadedStudents.ts starts it and calls its methods.

/** A student as it is sent to a thread; its weights are in shared memory. */
export interface SentStudent extends Omit<StudentSettings, 'tokenizer' | 'batch'> {
  readonly tokenizer: TokenizerSource;
}

/** One asking of a thread: who is asked, under which number it can be stopped, and how many rows are decoded at once. */
export interface Asked {
  readonly student: number;
  readonly number: number;
  readonly places: number;
  /** Stopped before it came here: it is refused as it would have been, or else interrupted. */
  readonly isStopped: boolean;
}

export interface StudentMethods {
  begin(options: OrtOptions): Promise<Answer>;
  open(id: number, student: SentStudent): Promise<Answer>;
  close(id: number): Promise<Answer>;
  complete(asked: Asked, requests: readonly CompletionRequest[]): Promise<Answer>;
  score(asked: Asked, requests: readonly ScoreRequest[]): Promise<Answer>;
  stop(number: number): Promise<Answer>;
}

let students: Students | undefined;
const opened = new Map<number, Omit<StudentSettings, 'batch'>>();
const stops = new Map<number, AbortController>();
const done: Answer = { result: undefined };

/** Lends the model that is asked, with a signal that `stop` aborts: between two runs this thread takes its messages. */
const ask = async (
  { student, number, places, isStopped }: Asked,
  work: (model: LanguageModel & Scorer, signal: AbortSignal) => Promise<unknown>,
): Promise<Answer> => {
  const settings = opened.get(student);
  if (students === undefined || settings === undefined) throw new Error(`student ${student} is not open`);
  const stop = new AbortController();
  if (isStopped) stop.abort();
  stops.set(number, stop);
  try {
    return { result: await work(students.open({ ...settings, batch: places }), stop.signal) };
  } finally {
    stops.delete(number);
  }
};

const methods: StudentMethods = {
  begin: async (options) => {
    students = localStudents(ortRuntime(options));
    return done;
  },
  open: async (id, { tokenizer, ...student }) => {
    const loaded = loadTokenizer(tokenizer.json, tokenizer.end, tokenizer.config);
    if (E.isLeft(loaded)) throw new Error(`the tokenizer does not load here: ${loaded.left.tag}`);
    opened.set(id, { ...student, tokenizer: loaded.right });
    return done;
  },
  close: async (id) => {
    opened.delete(id);
    return done;
  },
  complete: (asked, requests) => ask(asked, (model, signal) => model.complete(requests, signal)()),
  score: (asked, requests) => ask(asked, (model, signal) => model.score(requests, signal)()),
  stop: async (number) => {
    stops.get(number)?.abort();
    return done;
  },
};

answerCalls({ ...methods });
