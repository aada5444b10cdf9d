import { setFlagsFromString } from 'node:v8';

/**
 * V8 lets a heap grow to several times what is alive in it before it looks for garbage. Where much is read and little kept,
 * as in deriving, that is most of a process's memory: from here on it looks when the heap has grown by so many per cent.
 */
export const growSlowly = (): void => {
  setFlagsFromString('--heap-growing-percent=20');
};
