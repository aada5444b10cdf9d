import type { ModelRef } from '../../events/codecs';
import type { Finish, Sampling } from '../../events/generationProduced';

/** One value of one metric. `time` is when the ledger recorded it, in milliseconds since 1970: no hash covers it. */
export interface MetricPoint {
  readonly metric: string;
  readonly step: number;
  readonly time: number;
  readonly value: number;
}

/** A thing that other tools show as a run: a run of ours with its scores by iteration, or a training with its steps. */
export interface MetricRun {
  /** 32 hex digits. */
  readonly id: string;
  readonly kind: 'run' | 'training';
  readonly name: string;
  /** Names of folders, fit for every file system, unique among the runs. */
  readonly path: readonly string[];
  /** The id of the run that it is a part of. */
  readonly parent: string | null;
  readonly params: readonly (readonly [string, string])[];
  readonly tags: readonly (readonly [string, string])[];
  readonly started: number;
  /** When its last value was recorded; null while there is none. */
  readonly ended: number | null;
  readonly complete: boolean;
  readonly points: readonly MetricPoint[];
}

/** A model call, without its texts. */
export interface ModelCall {
  readonly eventId: string;
  readonly collectionId: string;
  readonly trajectoryId: string;
  readonly problemId: string;
  readonly iteration: number;
  readonly pass: number;
  readonly call: number;
  readonly author: string;
  readonly model: ModelRef;
  readonly sampling: Sampling;
  readonly finish: Finish;
  /** Null where the server did not tell. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null;
  /** The model's name as a server gave it; null for a model of our own. */
  readonly servedAs: string | null;
  /** When it was recorded, and how long the call took where the ledger says so; milliseconds. */
  readonly time: number;
  readonly latency: number;
}

/** What goes out: of one run, training or ablation. */
export interface Metrics {
  readonly id: string;
  readonly name: string;
  readonly runs: readonly MetricRun[];
  readonly calls: readonly ModelCall[];
}

/** Files by their path in the folder, parts joined by `/`. */
export type MetricFiles = ReadonlyMap<string, Uint8Array>;
