import type { AdamWScalars } from './adamW';

/** src/train/vectorKernel.wat, assembled; test/train/adamW.test.ts assembles it again and compares. */
const assembled =
  'AGFzbQEAAAABFwJgA39/fwBgDX9/f39/fX19fX19fX0AAwMCAAEFAwEAEAcXAwZtZW1vcnkCAANhZGQAAARzdGVwAAEK/QECOwEBfyAAIAJBAnRqIQMDQCAAIAD9AAQAIAH9AAQA/eQB/QsEACAAQRBqIQAgAUEQaiEBIAAgA0kNAAsLvgECAX8DeyAAIARBAnRqIQ0DQCAD/QAEACEOIAH9AAQAIAX9E/3mASAOIAb9E/3mAf3kASEPIAL9AAQAIAf9E/3mASAOIAj9E/3mASAO/eYB/eQBIRAgASAP/QsEACACIBD9CwQAIAAgAP0ABAAgDP0T/eYBIA8gC/0T/eYBIBD94wEgCf0T/eYBIAr9E/3kAf3nAf3lAf0LBAAgAEEQaiEAIAFBEGohASACQRBqIQIgA0EQaiEDIAAgDUkNAAsL';

/** Numbers moved into the kernel's memory at once: four arrays of them stay in a core's cache. */
const chunk = 16384;

interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly step: (...parameters: readonly number[]) => void;
  readonly add: (to: number, from: number, n: number) => void;
}

const isKernel = (exported: object): exported is Kernel =>
  'memory' in exported && 'step' in exported && 'add' in exported;

/** The bytes of the kernel: their digest is part of a training's receipt. */
export const kernelBytes = (): Uint8Array => Uint8Array.from(Buffer.from(assembled, 'base64'));

let loaded: Kernel | undefined;

const kernel = (): Kernel => {
  if (loaded !== undefined) return loaded;
  const exported = new WebAssembly.Instance(new WebAssembly.Module(kernelBytes())).exports;
  if (!isKernel(exported)) throw new Error('the kernel does not export memory, step and add');
  loaded = exported;
  return exported;
};

/**
 * One AdamW step in place, float32: values p and moments m, v, from gradients g, all of one length. Exact to the bit
 * against the optimizer graph (adamWUpdate): each operation is one IEEE rounding, and no element depends on another.
 */
export const adamWStep = (
  p: Float32Array,
  m: Float32Array,
  v: Float32Array,
  g: Float32Array,
  { beta1, gain, beta2, power, spread, epsilon, rate, decay }: AdamWScalars,
): void => {
  const { memory, step } = kernel();
  const [at, atM, atV, atG] = [0, 4 * chunk, 8 * chunk, 12 * chunk];
  const part = (byte: number): Float32Array => new Float32Array(memory.buffer, byte, chunk);
  const [inP, inM, inV, inG] = [part(at), part(atM), part(atV), part(atG)];
  for (let start = 0; start < p.length; start += chunk) {
    const end = Math.min(start + chunk, p.length);
    const n = end - start;
    inP.set(p.subarray(start, end));
    inM.set(m.subarray(start, end));
    inV.set(v.subarray(start, end));
    inG.set(g.subarray(start, end));
    // Up to three numbers behind the last are computed too, and left.
    step(at, atM, atV, atG, Math.ceil(n / 4) * 4, beta1, gain, beta2, power, spread, epsilon, rate, decay);
    p.set(inP.subarray(0, n), start);
    m.set(inM.subarray(0, n), start);
    v.set(inV.subarray(0, n), start);
  }
};

/** Adds vectors to `sum` in place, float32, one behind the other in the order given; all of one length. */
export const addVectors = (sum: Float32Array, vectors: readonly Float32Array[]): void => {
  const { memory, add } = kernel();
  const [total, term] = [0, chunk].map((at) => new Float32Array(memory.buffer, 4 * at, chunk));
  if (total === undefined || term === undefined) throw new Error('no memory');
  for (let start = 0; start < sum.length; start += chunk) {
    const end = Math.min(start + chunk, sum.length);
    total.set(sum.subarray(start, end));
    for (const vector of vectors) {
      term.set(vector.subarray(start, end));
      add(total.byteOffset, term.byteOffset, Math.ceil((end - start) / 4) * 4);
    }
    sum.set(total.subarray(0, end - start), start);
  }
};
