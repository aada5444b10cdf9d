import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { workerData } from 'node:worker_threads';
import type { ThreadData, ThreadReply } from './channel';

// The thread of a VerifierChannel: owns the program, gives it one line at a time and answers with the line it writes.

const isData = (data: unknown): data is ThreadData =>
  typeof data === 'object' && data !== null && 'port' in data && 'ready' in data && 'command' in data;

const serve = ({ command, cwd, timeoutMs, port, ready }: ThreadData): void => {
  const [program = '', ...args] = command;
  const child = spawn(program === 'node' ? process.execPath : program, args, { cwd, stdio: 'pipe' });
  let stderr = '';
  let asking = false;
  let timer: NodeJS.Timeout | undefined;
  let over: ThreadReply | undefined;

  const reply = (message: ThreadReply): void => {
    if (!message.ok) over ??= message;
    if (!asking) return;
    asking = false;
    clearTimeout(timer);
    port.postMessage(message);
    Atomics.store(new Int32Array(ready), 0, 1);
    Atomics.notify(new Int32Array(ready), 0);
  };
  const fail = (message: string): void => reply({ ok: false, message, stderr: stderr.trim() });

  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4000)));
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (asking) reply({ ok: true, line });
    else fail('it wrote a line that nobody asked for');
  });
  child.on('error', (error) => fail(`it cannot be started: ${error.message}`));
  child.on('close', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code ?? '?'}`}`));
  port.on('message', (line: string) => {
    asking = true;
    if (over) return reply(over);
    timer = setTimeout(() => {
      fail(`it gave no answer within ${timeoutMs / 1000} s`);
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdin.write(`${line}\n`);
  });
};

if (isData(workerData)) serve(workerData);
