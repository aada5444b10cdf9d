import type { Weights } from './modelShape';

/** Bytes of a block, at least: the C library gives blocks of this size back to the system as soon as they are free. */
const blockBytes = 2 ** 26;

const bytesPerNumber = Float32Array.BYTES_PER_ELEMENT;

/**
 * Float32 vectors of these sizes, zeros, several to a block of memory that every thread sees. A worker thread is sent
 * such vectors without a copy; ONNX Runtime's binding refuses them (`unshared`).
 */
export const sharedVectors = (sizes: readonly number[]): readonly Float32Array[] => {
  const vectors: Float32Array[] = [];
  let block: number[] = [];
  let size = 0;
  const close = (): void => {
    const memory = new SharedArrayBuffer(size * bytesPerNumber);
    let at = 0;
    for (const length of block) {
      vectors.push(new Float32Array(memory, at * bytesPerNumber, length));
      at += length;
    }
    [block, size] = [[], 0];
  };
  for (const length of sizes) {
    block.push(length);
    size += length;
    if (size * bytesPerNumber >= blockBytes) close();
  }
  if (block.length > 0) close();
  return vectors;
};

/** Not `instanceof`: memory may come from another realm (jest runs tests in one of their own). */
const isShared = ({ buffer }: Float32Array): boolean => buffer[Symbol.toStringTag] === 'SharedArrayBuffer';

/** A vector in memory of this thread: itself, or a copy of what all threads see. */
export const unshared = <T>(data: T): T | Float32Array =>
  data instanceof Float32Array && isShared(data) ? Float32Array.from(data) : data;

/** The same weights in memory that every thread sees; what is there already is not copied. */
export const sharedWeights = (weights: Weights): Weights => {
  const own = [...weights].filter(([, data]) => !isShared(data));
  const copies = sharedVectors(own.map(([, data]) => data.length));
  const moved = new Map(
    own.map(([name, data], i) => {
      const copy = copies[i] ?? data;
      copy.set(data);
      return [name, copy];
    }),
  );
  return new Map([...weights].map(([name, data]) => [name, moved.get(name) ?? data]));
};
