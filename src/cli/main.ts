#!/usr/bin/env node
import { CommanderError } from 'commander';
import { totalmem } from 'node:os';
import { CustomRuleError } from '../../projections/policies/customRuleFault';
import { LogReadError } from '../ports/eventLog';
import type { Context } from './command';
import { exitCodes, type ExitName } from './exitCodes';
import { explain, type Where } from './explain';
import { Stop, type Fault } from './faults';
import { ledgerWord } from './ledgerPlace';
import { createOutput, PipeClosed, wantsColor, type Output } from './output';
import { packageJson } from './packageRoot';
import { buildProgram, type Asked } from './program';
import { createProgress, noProgress, type Progress } from './progress';

type Signal = 'SIGINT' | 'SIGTERM';

/** The first signal asks the command to stop at the next safe point; the second one ends the process at once. */
const listen = (controller: AbortController): { received: Signal | undefined } => {
  const state: { received: Signal | undefined } = { received: undefined };
  const onSignal = (signal: Signal): void => {
    if (state.received !== undefined) {
      // As if nobody listened: `process.exit` would stop threads inside native calls, which ends in a crash.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      return;
    }
    state.received = signal;
    process.stderr.write('\nStopping at the next safe point. Once more to stop at once.\n');
    controller.abort();
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  return state;
};

const progressOf = ({ args }: Asked): Progress => {
  if (args.has('quiet') || !args.allows('progress')) return noProgress;
  const live = process.stderr.isTTY && (process.env['CI'] ?? '') === '';
  return createProgress({
    live,
    now: () => performance.now(),
    write: (text) => void process.stderr.write(text),
    // A terminal that does not know its size says 0.
    columns: () => process.stderr.columns || 80,
  });
};

/** The fault in what was thrown; anything else is a mistake in the program. */
const faultOf = (failure: unknown): Fault | undefined => {
  if (failure instanceof Stop || failure instanceof CustomRuleError) return failure.fault;
  if (!(failure instanceof LogReadError)) return undefined;
  const { reason, at } = failure;
  if (at?.stream === undefined || at.stream === null) return reason;
  return { ...reason, where: `${reason.where}, stream ${at.stream}, revision ${at.revision ?? 'unknown'}` };
};

const shownLedger = (name: string | undefined): string | undefined => (name === undefined ? name : ledgerWord(name));

const tell = async (failure: unknown, asked: Asked, out: Output, signal: Signal | undefined): Promise<ExitName> => {
  if (failure instanceof PipeClosed) return 'ok';
  const { command, args } = asked;
  const fault = faultOf(failure);
  const where: Where = {
    command: command.name,
    signal,
    ledger: shownLedger(args.text('ledger')),
    memory: memoryHere(),
  };
  const { exit, message } =
    fault === undefined
      ? { exit: 'unexpected' as const, message: unexpected(failure, command.name) }
      : explain(fault, where);
  process.stderr.write(`tripost ${command.name}: ${message}\n`);
  if (args.has('json') && command.json === 'object' && !out.used()) {
    const error = { kind: fault?.tag ?? 'Unexpected', exit: exitCodes[exit].code, message };
    await out.json({ ...command.failure, ok: false, error }).catch(() => undefined);
  }
  return exit;
};

/** Bytes that this process may use: what a container is limited to, where that is less than what the machine has. */
const memoryHere = (): number => Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);

const unexpected = (failure: unknown, command: string): string =>
  [
    `Unexpected error: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}`,
    `This is a fault in tripost ${packageJson().version}. Please report it with the command (tripost ${command} ...) and the config.`,
    'The ledger keeps what was appended; `tripost verify` checks it.',
  ].join('\n');

const perform = async (asked: Asked): Promise<ExitName> => {
  const { command, args } = asked;
  const out = createOutput(process.stdout, wantsColor(process.stdout, process.env));
  const controller = new AbortController();
  const signals = listen(controller);
  const progress = progressOf(asked);
  const quiet = args.has('quiet');
  const context: Context = {
    out,
    note: (text) => {
      progress.end();
      if (!quiet) process.stderr.write(`${text}\n`);
    },
    progress,
    signal: controller.signal,
    stdin: process.stdin,
    command: command.name,
    json: args.has('json'),
  };
  try {
    return await command.run(args, context);
  } catch (failure) {
    progress.end();
    return await tell(failure, asked, out, signals.received);
  } finally {
    progress.end();
  }
};

const main = async (argv: readonly string[]): Promise<number> => {
  let asked: Asked | undefined;
  // Who reads our output may stop reading: `| head` is no fault.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (failure: NodeJS.ErrnoException) => {
      if (failure.code !== 'EPIPE') throw failure;
    });
  const writers = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
  };
  const program = buildProgram(
    argv,
    packageJson().version,
    writers,
    (found) => {
      asked = found;
    },
    process.env,
  );
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: 'user' });
  } catch (failure) {
    if (!(failure instanceof CommanderError)) throw failure;
    return failure.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  }
  return asked === undefined ? exitCodes.ok.code : exitCodes[await perform(asked)].code;
};

const start = async (): Promise<void> => {
  process.exitCode = await main(process.argv.slice(2));
};

void start();
