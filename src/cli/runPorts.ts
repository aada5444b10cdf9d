import { LedgerPrefix } from '../run/ledgerPrefix';
import type { RunPorts } from '../run/runContext';
import type { Args } from './args';
import type { Context } from './command';
import { environmentOf, openEngine, openRuntime, openStudents, type Ledger } from './compose';
import { codeVersion } from './packageRoot';
import { progressStep } from './runProgress';

/** What a run, or one iteration of it, is given of this process and this ledger. */
export const runPorts = (args: Args, { log, blobs }: Ledger, { signal, progress }: Context): RunPorts => {
  const { provider } = openRuntime(args);
  return {
    log,
    blobs,
    prefix: new LedgerPrefix(log),
    startEngine: openEngine(args),
    openStudents: openStudents(args),
    signal,
    environment: environmentOf(provider),
    codeVersion: codeVersion(),
    onProgress: (step) => progress.report(progressStep(step)),
  };
};
