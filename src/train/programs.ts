import * as E from 'fp-ts/Either';
import type { Program, RuntimeError, Tensor, TensorRuntime } from '../ports/tensorRuntime';

/** Programs by key, each loaded when it is first asked for. */
export class Programs {
  private readonly loaded = new Map<string, Program>();

  constructor(private readonly runtime: TensorRuntime) {}

  async get(key: string, bytes: () => Uint8Array): Promise<E.Either<RuntimeError, Program>> {
    const known = this.loaded.get(key);
    if (known !== undefined) return E.right(known);
    const loaded = await this.runtime.load(bytes())();
    if (E.isRight(loaded)) this.loaded.set(key, loaded.right);
    return loaded;
  }

  async release(): Promise<void> {
    for (const program of this.loaded.values()) await program.release();
    this.loaded.clear();
  }
}

/** A float32 output of a graph. */
export const floatsOf = (fetched: Readonly<Record<string, Tensor>>, name: string): Float32Array => {
  const data = fetched[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the graph gave no "${name}"`);
  return data;
};
