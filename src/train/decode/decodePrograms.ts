import * as E from 'fp-ts/Either';
import type { Graph } from '../../onnx/graph';
import { encodeModel } from '../../onnx/modelProto';
import type { Program, RuntimeError, TensorRuntime } from '../../ports/tensorRuntime';
import type { ModelShape, Weights } from '../modelShape';
import { ArrayPool } from './keyValueCache';
import { decodeTensors, weightFeeds, type DecodeWeights } from './decodeWeights';
import { prefillGraph, scoreGraph } from './prefillGraph';
import { stepGraph, stepsPerRun } from './stepGraph';

const graphs = { prefill: prefillGraph, step: stepGraph, score: scoreGraph };
type GraphName = keyof typeof graphs;
type Loaded = E.Either<RuntimeError, Program>;

/** One student's graphs, each loaded when it is first asked for, and arrays for its caches. */
export interface StudentPrograms {
  readonly load: (name: GraphName) => Promise<Loaded>;
  readonly arrays: ArrayPool;
}

/** Students whose graphs stay loaded: an iteration's own, and the one before it. */
const kept = 2;

/** An ONNX file holds less than 2 GiB; weights beyond this many bytes are fed to every run instead. */
const constantBytes = 2 ** 31 - 2 ** 24;

interface Student {
  readonly arrays: ArrayPool;
  readonly programs: Map<GraphName, Promise<Loaded>>;
  /** Between the prefill graph and the one that follows it; afterwards the runtime has its own copies. */
  weights: DecodeWeights | undefined;
  users: number;
}

const releaseAll = async ({ programs }: Student): Promise<void> => {
  const loading = [...programs.values()];
  programs.clear();
  for (const program of await Promise.all(loading)) if (E.isRight(program)) await program.right.release();
};

/** Decoding programs by student. A student's weights are constants of its graphs. */
export class DecodePrograms {
  /** The last used comes last. */
  private readonly students = new Map<Weights, Student>();

  constructor(
    private readonly runtime: TensorRuntime,
    private readonly limits: { readonly constantBytes: number } = { constantBytes },
  ) {}

  /** Lends a student's programs to `work`; they are not released before it is done. */
  async use<T>(shape: ModelShape, weights: Weights, work: (programs: StudentPrograms) => Promise<T>): Promise<T> {
    const student = this.students.get(weights) ?? {
      arrays: new ArrayPool(),
      programs: new Map(),
      weights: undefined,
      users: 0,
    };
    this.students.delete(weights);
    this.students.set(weights, student);
    student.users++;
    try {
      await this.releaseOld();
      return await work({
        load: (name) => this.program(student, shape, weights, name),
        arrays: student.arrays,
      });
    } finally {
      student.users--;
    }
  }

  private program(student: Student, shape: ModelShape, weights: Weights, name: GraphName): Promise<Loaded> {
    const known = student.programs.get(name);
    if (known !== undefined) return known;
    const laidOut = student.weights ?? this.layOut(shape, weights);
    student.weights = name === 'prefill' ? laidOut : undefined;
    const loading = this.load(graphs[name](shape, laidOut), laidOut);
    student.programs.set(name, loading);
    return loading;
  }

  private layOut(shape: ModelShape, weights: Weights): DecodeWeights {
    const tensors = decodeTensors(shape, weights, shape.maxPositions + stepsPerRun(shape));
    const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    return { tensors, as: bytes < this.limits.constantBytes ? 'constants' : 'inputs' };
  }

  private async load(graph: Graph, weights: DecodeWeights): Promise<Loaded> {
    const loaded = await this.runtime.load(encodeModel(graph))();
    if (E.isLeft(loaded) || weights.as === 'constants') return loaded;
    const program = loaded.right;
    const fed = weightFeeds(weights);
    return E.right({
      run: (feeds, into) => program.run({ ...feeds, ...fed }, into),
      release: () => program.release(),
    });
  }

  private async releaseOld(): Promise<void> {
    const idle = [...this.students].filter(([, { users }]) => users === 0);
    const old = idle.slice(0, Math.max(0, this.students.size - kept));
    for (const [weights, student] of old) {
      this.students.delete(weights);
      await releaseAll(student);
    }
  }

  async release(): Promise<void> {
    const all = [...this.students.values()];
    this.students.clear();
    for (const student of all) await releaseAll(student);
  }
}
