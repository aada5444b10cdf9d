import * as E from 'fp-ts/Either';
import type { EngineResult, EngineSetup, EngineStep, StartEngine } from '../../src/train/engine';
import type { FlatState } from '../../src/train/shard';

/** What a scripted training says of its steps, counted from 1. */
export interface Script {
  /** Steps that it takes at once. */
  readonly block?: number;
  /** Loss of a step; 1 / step when left out. Not finite: the step is not made. */
  readonly loss?: (step: number) => number;
  /** Loss of every token held out, under the weights behind a step. */
  readonly heldOut?: (step: number) => number;
  /** Sees every run: how many steps it is asked for, and how many are made before it. */
  readonly onRun?: (steps: number, made: number) => void;
}

/**
 * An engine that computes nothing: every value is the number of steps made, moments are its half and its third. What it goes
 * on from tells it where it is.
 */
export const scriptedEngine =
  ({ block = 1, loss = (step) => 1 / step, heldOut = () => 1, onRun = () => undefined }: Script): StartEngine =>
  async ({ layout, start }: EngineSetup) => {
    let made = start.m[0] === 0 ? 0 : (start.values[0] ?? 0);
    const filled = (value: number): Float32Array => new Float32Array(layout.size).fill(value);
    const state = (): FlatState =>
      made === 0
        ? { values: start.values.slice(), m: start.m.slice(), v: start.v.slice() }
        : { values: filled(made), m: filled(made / 2), v: filled(made / 3) };
    const sizeOf = ({ feeds }: EngineStep['microBatches'][number]): number => feeds['weights']?.data.length ?? 0;
    return E.right({
      block,
      kernelThreads: 1,
      run: async (steps) => {
        onRun(steps.length, made);
        const results: EngineResult[] = [];
        for (const { microBatches } of steps) {
          const now = Math.fround(loss(made + 1));
          const updated = Number.isFinite(now);
          results.push({
            loss: now,
            gradNorm: 1,
            nll: microBatches.map((part) => new Float32Array(sizeOf(part)).fill(now)),
            updated,
          });
          if (!updated) break;
          made++;
        }
        return E.right(results);
      },
      losses: async (batches) =>
        E.right(batches.map((part) => ({ loss: 0, nll: new Float32Array(sizeOf(part)).fill(heldOut(made)) }))),
      state: async () => E.right(state()),
      release: async () => undefined,
    });
  };
