import * as E from 'fp-ts/Either';
import type { TensorRuntime } from '../../ports/tensorRuntime';
import type { Args } from '../args';
import type { Command } from '../command';
import { openRuntime } from '../compose';
import { stop } from '../faults';
import { thisMachine, type Outside } from './outside';
import { cudaReport, fixText, type CudaReport } from './report';
import { tryRuntime } from './trial';

/** CUDA as it was found, and what keeps it from computing: nothing, or one sentence each. */
export interface TriedCuda {
  readonly report: CudaReport;
  readonly reasons: readonly string[];
}

/** Looks for CUDA and computes on it. Where files of the provider are missing, nothing is loaded. */
export const tryCuda = async (open: () => TensorRuntime, outside: Outside = thisMachine): Promise<TriedCuda> => {
  const report = cudaReport(outside);
  if (!report.supported || report.provider.files.some(({ present }) => !present))
    return { report, reasons: report.missing };
  const tried = await tryRuntime(open());
  return { report, reasons: E.isRight(tried) ? [] : [tried.left, ...report.missing] };
};

/** `NVIDIA H100, driver 550.54.15, CUDA 12.4.127`. */
export const cardText = ({ driver, libraries }: CudaReport): string => {
  const cuda = libraries.find(({ name }) => name.startsWith('libcudart.'))?.version ?? null;
  return [
    driver.gpu ?? 'a card whose name nvidia-smi does not tell',
    ...(driver.version === null ? [] : [`driver ${driver.version}`]),
    ...(cuda === null ? [] : [`CUDA ${cuda}`]),
  ].join(', ');
};

/** Which device `--device` comes to, and the line that says so for `auto`. Where `cuda` was asked for and does not compute, the fault. */
export const settle = (
  wanted: string,
  { report, reasons }: TriedCuda,
): { readonly device: 'cpu' | 'cuda'; readonly line: string | undefined } => {
  const auto = wanted === 'auto';
  if (reasons.length === 0) return { device: 'cuda', line: auto ? `device: cuda (${cardText(report)})` : undefined };
  if (!auto) return stop({ tag: 'CudaUnavailable', reasons, fix: fixText(report) });
  const why = `CUDA does not compute here: ${reasons.join('; ')}`;
  return { device: 'cpu', line: `device: cpu (${why}; \`tripost doctor\` says how to install it)` };
};

const settledDevice = async (args: Args): Promise<Args> => {
  const wanted = args.text('device') ?? 'cpu';
  if (wanted === 'cpu') return args;
  const { device, line } = settle(wanted, await tryCuda(() => openRuntime(args.but('device', 'cuda'))));
  if (line !== undefined) process.stderr.write(`${line}\n`);
  return args.but('device', device);
};

/**
 * A command that computes, begun when it is settled where: CUDA is tried before it is used, and before anything is
 * written. Which device `--device auto` came to is said on stderr, with --quiet as well: nobody falls back unawares.
 */
export const onDevice =
  (run: Command['run']): Command['run'] =>
  async (args, context) =>
    run(args.has('dryRun') ? args : await settledDevice(args), context);
