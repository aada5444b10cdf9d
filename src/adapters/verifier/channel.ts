import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import * as E from 'fp-ts/Either';

export interface VerifierCommand {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** How long one answer may take. */
  readonly timeoutMs: number;
}

/** Why there is no answer: the program could not start, ended, was too slow, or wrote something else. */
export interface VerifierFailure {
  readonly message: string;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
}

/** What the thread is given, and what it sends back for each line. */
export interface ThreadData extends VerifierCommand {
  readonly port: MessagePort;
  readonly ready: SharedArrayBuffer;
}
export type ThreadReply = { readonly ok: true; readonly line: string } | ({ readonly ok: false } & VerifierFailure);

const isReply = (value: unknown): value is ThreadReply => typeof value === 'object' && value !== null && 'ok' in value;

/**
 * A verifier program: a line of JSON in, a line of JSON out. A task's script answers at once, so the call waits: the
 * program lives in a thread that wakes this one up when its line is there. A wait is never longer than the timeout.
 */
export class VerifierChannel {
  private readonly ready = new SharedArrayBuffer(4);
  private readonly port: MessagePort;
  private readonly thread: Worker;
  private ended: VerifierFailure | undefined;

  constructor(private readonly settings: VerifierCommand) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const data: ThreadData = { ...settings, port: port2, ready: this.ready };
    this.thread = new Worker(join(__dirname, 'verifierThread.js'), { workerData: data, transferList: [port2] });
    // Nothing here keeps the process alive: the program ends when its input does.
    this.thread.unref();
    this.port.unref();
  }

  /** The answer to one line; after a failure, every later call fails the same way. */
  ask(line: string): E.Either<VerifierFailure, string> {
    if (this.ended) return E.left(this.ended);
    const flag = new Int32Array(this.ready);
    Atomics.store(flag, 0, 0);
    this.port.postMessage(line, []);
    // The thread keeps the time; the margin is for its own start.
    Atomics.wait(flag, 0, 0, this.settings.timeoutMs + 10_000);
    const received: unknown = receiveMessageOnPort(this.port)?.message;
    if (isReply(received) && received.ok) return E.right(received.line);
    this.ended = isReply(received) && !received.ok ? received : { message: 'its thread does not answer', stderr: '' };
    return E.left(this.ended);
  }

  /** Ends the program. */
  close(): void {
    this.ended ??= { message: 'it was closed', stderr: '' };
    void this.thread.terminate();
  }
}
