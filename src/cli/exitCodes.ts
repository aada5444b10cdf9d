/** What an exit code says. README's table is these rows (test/docs.test.ts). */
interface ExitCode {
  readonly code: number;
  readonly meaning: string;
}

/** Every way a command can end. One code per family of faults, so that a script can tell them apart. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done' },
  unexpected: { code: 1, meaning: 'unexpected error: a fault in tripost itself' },
  usage: { code: 2, meaning: 'wrong usage, config, policy, id or input' },
  noLedger: { code: 3, meaning: 'no ledger there: no such file, or not a tripost ledger' },
  damaged: { code: 4, meaning: 'the ledger is damaged and could not be read' },
  locked: { code: 5, meaning: 'another process collects into the ledger, or keeps it from being written' },
  mismatch: { code: 6, meaning: 'verification found a mismatch: in the ledger, or between a receipt and its inputs' },
  blob: { code: 7, meaning: 'a blob or a checkpoint file is missing or has other bytes than its digest says' },
  empty: { code: 8, meaning: 'empty dataset: the policy keeps nothing, or too little' },
  loss: { code: 9, meaning: 'the loss is not finite' },
  space: { code: 10, meaning: 'no space left on the disk' },
  runtime: { code: 11, meaning: 'the model or the runtime is unavailable' },
  refused: { code: 12, meaning: 'checks ran and some were refused' },
  conflict: { code: 13, meaning: 'the ledger holds something else in the place of what was to be appended' },
  storage: { code: 14, meaning: 'a file, or the server of a ledger, cannot be opened, read or written' },
  budget: { code: 15, meaning: 'a budget was reached; a larger one goes on from there' },
  interrupted: { code: 130, meaning: 'stopped by Ctrl-C (SIGINT) after a clean flush' },
  terminated: { code: 143, meaning: 'stopped by SIGTERM after a clean flush' },
} as const satisfies Readonly<Record<string, ExitCode>>;

export type ExitName = keyof typeof exitCodes;

/** The table as README shows it. */
export const exitCodeTable = (): string =>
  [
    '| code | meaning |',
    '|---|---|',
    ...Object.values(exitCodes).map(({ code, meaning }) => `| ${code} | ${meaning} |`),
  ].join('\n');
