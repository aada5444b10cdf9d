import type { TensorRuntime } from '../ports/tensorRuntime';
import type { RunPorts } from '../run/runContext';
import type { Context } from './command';
import { environmentOf, type Ledger } from './compose';
import { codeVersion } from './packageRoot';
import { progressStep } from './runProgress';

/** What a run, or one iteration of it, is given of this process and this ledger. */
export const runPorts = ({ log, blobs }: Ledger, runtime: TensorRuntime, { signal, progress }: Context): RunPorts => ({
  log,
  blobs,
  runtime,
  signal,
  environment: environmentOf(runtime.provider),
  codeVersion: codeVersion(),
  onProgress: (step) => progress.report(progressStep(step)),
});
