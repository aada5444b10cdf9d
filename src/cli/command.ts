import type { Args } from './args';
import type { ExitName } from './exitCodes';
import type { Output } from './output';
import type { Progress } from './progress';

export interface Argument {
  /** As commander writes it: `<config>` is needed, `[folder]` is not. */
  readonly name: string;
  readonly description: string;
}

export interface Flag {
  /** As commander writes it: `-S, --set <key=value>`. Also read from TRIPOST_<LONG NAME>. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** May be given several times; in the environment, values are separated by semicolons. */
  readonly repeat?: boolean;
  /** The value when it is not given, as text. */
  readonly fallback?: string;
}

/** What a command may use of the process that it runs in. */
export interface Context {
  readonly out: Output;
  /** For logs and notes; results go to `out`. */
  readonly note: (text: string) => void;
  readonly progress: Progress;
  /** Aborts on the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly stdin: NodeJS.ReadStream;
  /** Of the name of the command, for lock files and messages. */
  readonly command: string;
  readonly json: boolean;
}

/** A command is a value: main.ts makes commander's from it, the help tests and the docs test walk them all. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What --json prints: one object, or one object a line. */
  readonly json: 'object' | 'lines' | 'none';
  /** Fields that its JSON also has when the command fails, beside `ok: false` and `error`. */
  readonly failure?: object;
  /** Shape of the JSON, and what else there is to say; shown under the options. */
  readonly details: string;
  readonly arguments: readonly Argument[];
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  readonly run: (args: Args, context: Context) => Promise<ExitName>;
}

export const ledgerFlag: Flag = {
  flags: '--ledger <ledger>',
  description: 'a file, or kurrentdb://host:2113?tls=false',
  fallback: './ledger.db',
};
/** Every command with a ledger has it too (program.ts). Not `--blobs`: that is `verify`'s own, and would share its variable. */
export const blobFolderFlag: Flag = {
  flags: '--blob-folder <folder>',
  description: 'where its blobs lie (default: <file>.blobs, or ./<host>-<port>.blobs)',
};
export const jsonFlag: Flag = { flags: '--json', description: 'print JSON on stdout' };
export const atFlag: Flag = {
  flags: '--at <position|time>',
  description: 'the ledger as it was at this position or ISO time (inclusive)',
};
export const seedFlag: Flag = { flags: '--seed <n>', description: 'root of every random draw' };
export const setFlag: Flag = {
  flags: '-S, --set <key=value>',
  description: 'override a value of the config, dotted key, value as YAML; may be repeated',
  repeat: true,
};
/** Of commands that derive a recorded dataset again; a policy that is named brings its modules itself. */
export const rulesFlag: Flag = {
  flags: '--rules <module>',
  description: "a module with rules of a recorded policy's own; may be repeated",
  repeat: true,
};
export const progressFlags: readonly Flag[] = [
  { flags: '-q, --quiet', description: 'nothing on stderr but errors' },
  { flags: '--no-progress', description: 'no progress lines on stderr' },
];
export const runtimeFlags: readonly Flag[] = [
  {
    flags: '--device <device>',
    description: 'where graphs run; auto: cuda where it computes, else cpu, and says which',
    choices: ['cpu', 'cuda', 'auto'],
    fallback: 'cpu',
  },
  { flags: '--threads <n>', description: 'threads inside one operator; 0: the runtime chooses', fallback: '0' },
  { flags: '--no-spin', description: 'let idle threads sleep: for a machine that others use too' },
];
