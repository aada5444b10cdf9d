import { ortRuntime, type OrtOptions } from '../adapters/onnxruntime/tensorRuntime';
import { answerCalls, type Answer } from '../adapters/threads/calls';
import * as E from 'fp-ts/Either';
import type { EngineSetup, EngineStep, MicroBatch, TrainEngine } from '../train/engine';
import { loopEngine } from '../train/loopEngine';

// A worker thread that holds a whole training whose steps run as one Loop: src/cli/threadedEngine.ts starts and calls it.

export interface LoopMethods {
  begin(options: OrtOptions, setup: EngineSetup, block: number): Promise<Answer>;
  run(steps: readonly EngineStep[]): Promise<Answer>;
  losses(batches: readonly MicroBatch[]): Promise<Answer>;
  state(): Promise<Answer>;
}

let engine: TrainEngine | undefined;

const held = (): TrainEngine => {
  if (engine === undefined) throw new Error('the training has not begun');
  return engine;
};

const methods: LoopMethods = {
  begin: async (options, setup, block) => {
    const begun = await loopEngine(ortRuntime(options), block)(setup);
    if (E.isRight(begun)) engine = begun.right;
    return { result: E.isLeft(begun) ? begun : E.right(undefined) };
  },
  run: async (steps) => ({ result: await held().run(steps) }),
  losses: async (batches) => ({ result: await held().losses(batches) }),
  state: async () => {
    const state = await held().state();
    if (E.isLeft(state)) return { result: state };
    const { values, m, v } = state.right;
    const moved = [values, m, v].map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
    return { result: state, transfer: moved };
  },
};

answerCalls({ ...methods });
