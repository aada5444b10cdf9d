import * as E from 'fp-ts/Either';
import { join } from 'node:path';
import type { OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import { CalledThread } from '../adapters/threads/calls';
import type {
  CallObserver,
  Completion,
  CompletionRequest,
  LanguageModel,
  ModelError,
  Score,
  Scorer,
} from '../ports/languageModel';
import { sizeOfWeights, type Weights } from '../train/modelShape';
import { continuationGroups, modelError, requestsAtOnce, tellAnswered, type StudentSettings } from '../train/student';
import type { OpenStudents, Students } from '../train/students';
import { runtimeError, type RuntimeError } from '../ports/tensorRuntime';
import { sharedWeights } from '../train/vectorBlocks';
import type { Asked, SentStudent, StudentMethods } from './studentWorker';

/** Rows of a thread, at least: with fewer, threads that share every operator are faster (measured: 2 rows each 0.85). */
const rowsPerThread = 8;

/** Numbers above which a model is large: each thread holds weights of its own, so only one of them does. */
const largest = 50_000_000;

/** Among how many threads rows are divided; 1: one thread whose operators use all processors. */
export const decodeThreads = (
  rows: number,
  numbers: number,
  { device, threads }: { readonly device: OrtOptions['device']; readonly threads: number },
): number =>
  device !== 'cpu' || numbers > largest ? 1 : Math.max(1, Math.min(threads, Math.floor(rows / rowsPerThread)));

type Method = 'complete' | 'score';
type Result<T> = E.Either<ModelError, readonly T[]>;

interface Opened {
  readonly id: number;
  readonly sent: SentStudent;
}

/** Students that a thread has open: as many as it keeps graphs of. */
const kept = 2;

/** What a thread that died, or that could not do what it was asked, was told of; what it answers itself is typed. */
const failureOf = (failure: unknown): RuntimeError =>
  runtimeError('RunFailed', failure instanceof Error ? failure.message : String(failure));

interface OpenThere {
  readonly opening: Promise<unknown>;
  users: number;
}

/** A thread in which students answer. */
class StudentThread {
  private readonly thread = new CalledThread(join(__dirname, 'studentWorker.js'));
  private readonly begun: Promise<unknown>;
  /** Students by id, the last asked last. */
  private readonly opened = new Map<number, OpenThere>();
  private readonly askings = new Map<number, Promise<unknown>>();
  private readonly stopped = new Set<number>();

  constructor(options: OrtOptions) {
    this.begun = this.call('begin', options);
    // Whoever asks is told; nobody may ask.
    this.begun.catch(() => undefined);
  }

  private call<M extends keyof StudentMethods>(method: M, ...args: Parameters<StudentMethods[M]>): Promise<unknown> {
    return this.thread.call(method, args);
  }

  get isOver(): boolean {
    return this.thread.isOver;
  }

  /** Opens a student for one user more, and closes those that nobody has used for long. */
  private use({ id, sent }: Opened): OpenThere {
    const there = this.opened.get(id) ?? { opening: this.begun.then(() => this.call('open', id, sent)), users: 0 };
    there.users++;
    this.opened.delete(id);
    this.opened.set(id, there);
    const idle = [...this.opened].filter(([, { users }]) => users === 0);
    for (const [old] of idle.slice(0, Math.max(0, this.opened.size - kept))) {
      this.opened.delete(old);
      void this.call('close', old).catch(() => undefined);
    }
    return there;
  }

  private async answer<T>(
    method: Method,
    student: Opened,
    asked: Omit<Asked, 'isStopped'>,
    requests: readonly unknown[],
  ): Promise<Result<T>> {
    const there = this.use(student);
    try {
      await there.opening;
      // What is stopped is asked all the same: which request is refused must not depend on which thread is first.
      const isStopped = this.stopped.has(asked.number);
      return await this.thread.call<Result<T>>(method, [{ ...asked, isStopped }, requests]);
    } finally {
      there.users--;
      this.stopped.delete(asked.number);
    }
  }

  /** Throws where the thread cannot answer at all. */
  async ask<T>(
    method: Method,
    student: Opened,
    asked: Omit<Asked, 'isStopped'>,
    requests: readonly unknown[],
  ): Promise<Result<T>> {
    const asking = this.answer<T>(method, student, asked, requests);
    this.askings.set(asked.number, asking);
    try {
      return await asking;
    } finally {
      this.askings.delete(asked.number);
    }
  }

  /** Ends an asking, before its next run of the runtime. */
  async stop(number: number): Promise<void> {
    if (!this.askings.has(number)) return;
    this.stopped.add(number);
    await this.call('stop', number).catch(() => undefined);
  }

  /** Ends what is asked as an abort does. */
  async release(): Promise<void> {
    const asked = [...this.askings];
    await Promise.all(asked.map(([number]) => this.stop(number)));
    await Promise.allSettled(asked.map(([, asking]) => asking));
    await this.thread.stopIdle();
  }
}

/** Threads of one kind, each started when it is first needed, and again where it has died. */
class Team {
  private members: StudentThread[] = [];

  constructor(private readonly options: OrtOptions) {}

  take(size: number): readonly StudentThread[] {
    this.members = this.members.filter((member) => !member.isOver);
    while (this.members.length < size) this.members.push(new StudentThread(this.options));
    return this.members.slice(0, size);
  }

  async release(): Promise<void> {
    await Promise.all(this.members.splice(0).map((member) => member.release()));
  }
}

/** What of `all` falls to one of `threads` threads: each in turn. */
const shareOf = <T>(all: readonly T[], threads: number, thread: number): readonly T[] =>
  all.filter((_, i) => i % threads === thread);

/** The failure that one thread alone would have told of: that of the first request, where it is a request's. */
const firstFailure = (
  failures: readonly ModelError[],
  requests: readonly { readonly prompt: string }[],
): ModelError | undefined => {
  const place = (error: ModelError): number =>
    error.tag === 'PromptTooLong' ? requests.findIndex(({ prompt }) => prompt === error.prompt) : requests.length;
  const told = failures.filter(({ tag }) => tag !== 'Interrupted');
  return told.toSorted((a, b) => place(a) - place(b))[0] ?? failures[0];
};

class ThreadedStudents implements Students {
  private readonly device: OrtOptions['device'];
  private readonly wide: Team;
  private readonly narrow: Team;
  private readonly ids = new WeakMap<Weights, Map<string, Opened>>();
  private students = 0;
  private askings = 0;

  constructor(
    options: OrtOptions,
    private readonly threads: number,
  ) {
    this.device = options.device;
    this.wide = new Team({ ...options, threads });
    this.narrow = new Team({ ...options, threads: 1, spin: false });
  }

  open(student: StudentSettings): LanguageModel & Scorer {
    return {
      ref: { kind: 'checkpoint', digest: student.checkpoint },
      batch: requestsAtOnce(student),
      complete:
        (requests, signal, observer = {}) =>
        () =>
          this.complete(student, requests, signal, observer),
      score: (requests, signal) => () => this.ask<Score>('score', student, requests, signal),
    };
  }

  /** The samples of a request are divided as requests are. */
  private async complete(
    student: StudentSettings,
    requests: readonly CompletionRequest[],
    signal: AbortSignal | undefined,
    observer: CallObserver,
  ): Promise<Result<Completion>> {
    const groups = continuationGroups(requests);
    if (E.isLeft(groups)) return groups;
    const made = await this.ask<Completion>('complete', student, groups.right.flat(), signal);
    if (E.isRight(made)) await tellAnswered(groups.right, made.right, observer);
    return made;
  }

  /** The student under its id; equal weights under equal settings are one student. */
  private opened({ checkpoint, shape, weights, tokenizer, stopIds }: StudentSettings): Opened {
    const known = this.ids.get(weights) ?? new Map<string, Opened>();
    this.ids.set(weights, known);
    const key = JSON.stringify([checkpoint, tokenizer.digest, stopIds ?? null]);
    const opened = known.get(key) ?? {
      id: this.students++,
      sent: { checkpoint, shape, weights: sharedWeights(weights), tokenizer: tokenizer.source, stopIds },
    };
    known.set(key, opened);
    return opened;
  }

  private async ask<T>(
    method: Method,
    student: StudentSettings,
    requests: readonly { readonly prompt: string }[],
    signal: AbortSignal | undefined,
  ): Promise<Result<T>> {
    if (requests.length === 0) return E.right([]);
    if (signal?.aborted === true) return E.left({ tag: 'Interrupted' });
    const rows = Math.min(requests.length, student.batch);
    const size = decodeThreads(rows, sizeOfWeights(student.weights), { device: this.device, threads: this.threads });
    const members = (size === 1 ? this.wide : this.narrow).take(size);
    const opened = this.opened(student);
    const asked = { student: opened.id, number: this.askings++, places: Math.ceil(student.batch / size) };
    const stopAll = (): void => void Promise.all(members.map((member) => member.stop(asked.number)));
    const answerOf = async (member: StudentThread, i: number): Promise<Result<T>> => {
      try {
        return await member.ask<T>(method, opened, asked, shareOf(requests, size, i));
      } catch (failure) {
        return E.left(modelError(failureOf(failure), student, size));
      }
    };
    const answers = Promise.all(
      members.map(async (member, i) => {
        const answer = await answerOf(member, i);
        // The others' answers are of no use any more.
        if (E.isLeft(answer)) stopAll();
        return answer;
      }),
    );
    const made = await untilAborted(answers, signal);
    if (made === undefined) {
      stopAll();
      return E.left({ tag: 'Interrupted' });
    }
    const failure = firstFailure(
      made.flatMap((answer) => (E.isLeft(answer) ? [answer.left] : [])),
      requests,
    );
    if (failure !== undefined) return E.left(failure);
    const parts = made.map((answer) => (E.isRight(answer) ? answer.right : []));
    return E.right(
      requests.map((_, i) => {
        const one = parts[i % size]?.[Math.floor(i / size)];
        if (one === undefined) throw new Error(`the threads gave no answer to request ${i}`);
        return one;
      }),
    );
  }

  async release(): Promise<void> {
    await Promise.all([this.wide.release(), this.narrow.release()]);
  }
}

/** A result, or undefined where the signal aborts before it is there: nothing waits for a thread that computes. */
const untilAborted = async <T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> => {
  if (signal === undefined) return result;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
};

/**
 * Students in threads of their own, so that this one stays free for the ledger, progress and signals. Many rows are
 * divided among threads of one processor each, row i to thread i modulo their number; a few, and those of a large model,
 * go to one thread whose operators use all processors. A row's text depends on neither (src/train/student.ts).
 */
export const threadedStudents =
  (options: OrtOptions, threads: number): OpenStudents =>
  () =>
    new ThreadedStudents(options, Math.max(1, threads));
