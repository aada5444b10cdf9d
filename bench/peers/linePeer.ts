import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that answers each line with a line of JSON. */
export class LinePeer {
  private readonly child;
  private readonly lines;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async ask<T>(line: string, read: (answer: unknown) => T): Promise<T> {
    this.child.stdin.write(`${line}\n`);
    const answer = await this.lines.next();
    if (answer.done === true) throw new Error('the peer ended');
    return read(JSON.parse(answer.value));
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    await new Promise((ended) => this.child.once('exit', ended));
  }
}
