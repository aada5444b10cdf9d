import type { Environment } from '../../events/codecs';
import type { Digest } from '../../events/digest';
import type { EvaluationRecorded } from '../../events/evaluationRecorded';
import type { DecodeError } from '../../events/index';
import type { Step } from '../../events/stepRecorded';
import type { Policy } from '../../projections/policies/policy';
import type { CollectError, CollectProgress } from '../collect/collectTrajectories';
import type { Editor } from '../collect/editor';
import type { EvaluateError } from '../evaluate/evaluate';
import type { BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';
import type { Task } from '../tasks/task';
import type { StartEngine } from '../train/engine';
import type { OpenStudents } from '../train/students';
import type { TrainError } from '../train/trainRequest';
import type { BaseError, StartingModel, TrainedStudent } from './base';
import type { RunConfig } from './config';
import type { DeriveError } from './derive';
import type { LedgerPrefix } from './ledgerPrefix';
import type { PoseError } from './problems';

export type RunError =
  | PoseError
  | BaseError
  | CollectError
  | DeriveError
  | TrainError
  | EvaluateError
  | AppendError
  | DecodeError
  | { readonly tag: 'NoScript'; readonly task: string }
  | {
      readonly tag: 'TooFewRows';
      readonly policy: string;
      readonly iteration: number;
      readonly rows: number;
      readonly needed: number;
      readonly byReason: Readonly<Record<string, number>>;
    };

/** What happens, for a progress line. Counts are cumulative within a phase. */
export type RunProgress =
  | { readonly phase: 'pose' | 'derive' | 'seal'; readonly iteration: number; readonly detail: string }
  | { readonly phase: 'collect'; readonly iteration: number; readonly progress: CollectProgress }
  | { readonly phase: 'train'; readonly iteration: number; readonly step: Step; readonly steps: number }
  | { readonly phase: 'trained'; readonly iteration: number; readonly reusedSteps: number; readonly steps: number }
  | { readonly phase: 'evaluate'; readonly iteration: number; readonly done: number; readonly total: number };

export interface RunPorts {
  /** FBK and IMP where they are a large model; absent: the task's script. */
  readonly editor?: Editor;
  readonly log: EventLog;
  readonly blobs: BlobStore;
  /** The ledger as far as this process has read it. */
  readonly prefix: LedgerPrefix;
  readonly startEngine: StartEngine;
  readonly openStudents: OpenStudents;
  readonly signal: AbortSignal;
  readonly environment: Environment;
  readonly codeVersion: string;
  readonly onProgress: (progress: RunProgress) => void;
}

export interface RunInput {
  readonly config: RunConfig;
  readonly task: Task;
  /** The policy of the iterations, and that of the base's gold rationales. */
  readonly policy: Policy;
  readonly basePolicy: Policy;
  readonly trained: TrainedStudent | undefined;
  /** The model of `base.from` where that is a folder; a checkpoint that the ledger has needs none. */
  readonly start?: StartingModel | undefined;
}

export interface IterationSummary {
  readonly iteration: number;
  readonly dataset: Digest | null;
  readonly rows: number;
  readonly checkpoint: Digest;
  readonly weights: Digest | null;
  readonly evaluation: EvaluationRecorded;
}

export interface RunSummary {
  readonly runId: string;
  readonly iterations: readonly IterationSummary[];
  readonly root: Digest;
  readonly events: number;
  readonly reused: { readonly calls: number; readonly steps: number };
}
