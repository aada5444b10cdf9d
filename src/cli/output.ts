import { once } from 'node:events';
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { canonicalJson } from '../../events/digest';

/** The reader of our output has gone away (`| head`): a clean end, not a fault. */
export class PipeClosed extends Error {
  constructor() {
    super('the reader closed the pipe');
    this.name = 'PipeClosed';
  }
}

export interface Output {
  /** Waits while the reader is slow, and throws PipeClosed once it is gone. */
  write(text: string): Promise<void>;
  line(text: string): Promise<void>;
  /** One JSON object, keys sorted, on one line. */
  json(value: object): Promise<void>;
  /** Whether anything was written. */
  used(): boolean;
  readonly colors: ReturnType<typeof pc.createColors>;
}

/** Colours only for a terminal, and never against NO_COLOR. */
export const wantsColor = (stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean => {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true;
};

const isClosedPipe = (failure: unknown): boolean =>
  failure instanceof Error &&
  'code' in failure &&
  (failure.code === 'EPIPE' || failure.code === 'ERR_STREAM_DESTROYED');

export const createOutput = (stream: Writable & { readonly isTTY?: boolean }, color: boolean): Output => {
  let failure: unknown;
  let used = false;
  stream.on('error', (error: unknown) => {
    failure = error;
  });
  const check = (): void => {
    if (failure === undefined && !stream.destroyed) return;
    if (failure === undefined || isClosedPipe(failure)) throw new PipeClosed();
    throw failure;
  };
  const write = async (text: string): Promise<void> => {
    check();
    used = true;
    const room = stream.write(text);
    if (!room) await once(stream, 'drain').catch(() => undefined);
    check();
  };
  return {
    write,
    line: (text) => write(`${text}\n`),
    json: (value) => write(`${canonicalJson(value)}\n`),
    used: () => used,
    colors: pc.createColors(color),
  };
};
