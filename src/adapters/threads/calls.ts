import { EventEmitter, once } from 'node:events';
import { parentPort, Worker, type TransferListItem } from 'node:worker_threads';

// Calls to a worker thread: a method's name and arguments there, a result or a failure back. One at a time per thread.

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

type Reply<T> =
  | { readonly id: number; readonly ok: true; readonly result: T }
  | { readonly id: number; readonly ok: false; readonly message: string };

/** What was thrown, in words: an error of any realm, or anything else. */
const reasonOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'message' in thrown ? String(thrown.message) : String(thrown);

/** Emitted where no call waits any more; replies are emitted under numbers. */
const idle = 'idle';

/** A thread that answers calls. */
export class CalledThread {
  private readonly worker: Worker;
  /** A reply is emitted under its call's id. */
  private readonly replies = new EventEmitter();
  private readonly waiting = new Set<number>();
  private calls = 0;
  private ended: string | undefined;

  constructor(script: string) {
    this.worker = new Worker(script);
    this.worker.on('message', (reply: Reply<unknown>) => this.settle(reply));
    this.worker.on('error', (error: unknown) => this.end(reasonOf(error)));
    this.worker.on('exit', (code) => this.end(`the thread ended with code ${code}`));
  }

  /** Whether no call can succeed any more. */
  get isOver(): boolean {
    return this.ended !== undefined;
  }

  /** Nothing more will come: every call that waits, and every later one, fails with the reason. */
  private end(message: string): void {
    this.ended ??= message;
    for (const id of this.waiting) this.settle({ id, ok: false, message: this.ended });
  }

  private settle(reply: Reply<unknown>): void {
    this.waiting.delete(reply.id);
    this.replies.emit(String(reply.id), reply);
    if (this.waiting.size === 0) this.replies.emit(idle);
  }

  /** Calls a method; buffers in `transfer` move to the thread. Throws what the method threw, or that the thread ended. */
  async call<T>(method: string, args: readonly unknown[], transfer: readonly TransferListItem[] = []): Promise<T> {
    const id = this.calls++;
    const reply = await new Promise<Reply<T>>((settle) => {
      if (this.ended !== undefined) return settle({ id, ok: false, message: this.ended });
      const call: Call = { id, method, args };
      // Throws where the arguments cannot be sent; then nothing waits.
      this.worker.postMessage(call, transfer);
      this.waiting.add(id);
      this.replies.once(String(id), settle);
    });
    if (reply.ok) return reply.result;
    throw new Error(reply.message);
  }

  /**
   * Stops the thread once no call waits. A thread that is stopped inside a native call may take the process with it: the
   * runtime's binding then throws where nothing catches.
   */
  async stopIdle(): Promise<void> {
    if (this.waiting.size > 0) await once(this.replies, idle);
    await this.stop();
  }

  /** Stops the thread whatever it does. */
  async stop(): Promise<void> {
    this.ended ??= 'the thread was stopped';
    await this.worker.terminate();
  }
}

/** A method's result, and the buffers in it that move to the caller. */
export interface Answer {
  readonly result: unknown;
  readonly transfer?: readonly TransferListItem[];
}

/** Answers calls in this worker thread, until it is stopped. */
export const answerCalls = (methods: Readonly<Record<string, (...args: never[]) => Promise<Answer>>>): void => {
  const port = parentPort;
  if (port === null) throw new Error('not a worker thread');
  port.on('message', ({ id, method, args }: Omit<Call, 'args'> & { readonly args: never[] }) => {
    const run = methods[method];
    const fail = (message: string): void => port.postMessage({ id, ok: false, message } satisfies Reply<unknown>);
    if (run === undefined) return fail(`no method ${method}`);
    run(...args)
      .then(({ result, transfer = [] }) =>
        port.postMessage({ id, ok: true, result } satisfies Reply<unknown>, transfer),
      )
      // Also where the result cannot be sent.
      .catch((error: unknown) => fail(reasonOf(error)));
  });
};
