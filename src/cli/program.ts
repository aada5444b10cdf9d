import { Command as Commander, Option } from 'commander';
import { Args } from './args';
import { blobFolderFlag, ledgerFlag, type Command, type Flag } from './command';
import { entries } from './commands';

/** What was asked for, once the command line has been understood. */
export interface Asked {
  readonly command: Command;
  readonly args: Args;
}

const longName = (flag: Flag): string => /--([a-z-]+)/.exec(flag.flags)?.[1] ?? '';

/** `TRIPOST_LEDGER` for `--ledger <file>`. */
export const variableOf = (flag: Flag): string => `TRIPOST_${longName(flag).toUpperCase().replaceAll('-', '_')}`;

const optionOf = (flag: Flag): Option => {
  const option = new Option(flag.flags, flag.description).env(variableOf(flag));
  if (flag.choices !== undefined) option.choices([...flag.choices]);
  if (flag.fallback !== undefined) option.default(flag.fallback);
  if (flag.repeat === true) {
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  }
  return option;
};

/** Without the variable's name, which follows from the option's: the end of `tripost --help` says how. */
const describeOption = ({ description, argChoices, defaultValue }: Option): string => {
  const facts = [
    ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
    ...(typeof defaultValue === 'string' ? [`default: ${defaultValue}`] : []),
  ];
  return facts.length === 0 ? description : `${description} (${facts.join('; ')})`;
};

/** The command's own, and where there is a ledger, the place of its blobs. */
const flagsOf = (command: Command): readonly Flag[] =>
  command.flags.flatMap((flag) => (flag === ledgerFlag ? [flag, blobFolderFlag] : [flag]));

const takesValue = (flag: Flag): boolean => flag.flags.includes('<');

/** `TRIPOST_JSON=0` and an empty variable mean no; commander alone takes any value of a flag's variable for yes. */
const withoutNos = (command: Command, env: NodeJS.ProcessEnv): void => {
  for (const flag of flagsOf(command)) {
    const value = env[variableOf(flag)];
    const no = value === '' || (!takesValue(flag) && /^(0|no|false|off)$/i.test(value ?? ''));
    if (no) delete env[variableOf(flag)];
  }
};

const epilogue = ({ details, examples }: Command): string => {
  const parts = [details, `Examples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`];
  return `\n${parts.filter((part) => part !== '').join('\n\n')}\n`;
};

const fill = (made: Commander, command: Command, ask: (asked: Asked) => void, env: NodeJS.ProcessEnv): void => {
  withoutNos(command, env);
  for (const { name, description } of command.arguments) made.argument(name, description);
  for (const flag of flagsOf(command)) made.addOption(optionOf(flag));
  made.addHelpText('after', epilogue(command));
  made.action(() => {
    const options: Record<string, unknown> = { ...made.opts() };
    for (const [name, value] of Object.entries(options)) {
      if (Array.isArray(value) && made.getOptionValueSource(name) === 'env') {
        options[name] = value.flatMap((each) => String(each).split(';')).filter((each) => each.trim() !== '');
      }
    }
    ask({ command, args: new Args(made.args, options) });
  });
};

export interface Writers {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const footer = `
Every option is also an environment variable: --ledger is TRIPOST_LEDGER. NO_COLOR is honoured.
Results go to stdout, progress and messages to stderr; --json prints one JSON object (or JSON Lines) on stdout.
Exit codes are in the README: 0 done, 2 wrong usage, and one for each family of faults.`;

/**
 * The command line as commander's. Only the command that is asked for is loaded. `ask` is told what is to be run;
 * help and usage errors are thrown as CommanderError after they have been written.
 */
export const buildProgram = (
  argv: readonly string[],
  version: string,
  { out, err }: Writers,
  ask: (asked: Asked) => void,
  env: NodeJS.ProcessEnv,
): Commander => {
  const program = new Commander('tripost')
    .description('An event-sourced experiment ledger with a replay engine for self-improving language models (TriPosT)')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help on a command')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ optionDescription: describeOption })
    .configureOutput({ writeOut: out, writeErr: err, getOutHelpWidth: () => 100, getErrHelpWidth: () => 100 })
    .addHelpText('after', footer);
  const named = new Set(argv);
  for (const entry of entries) {
    const made = program.command(entry.name).description(entry.summary);
    if (named.has(entry.name)) fill(made, entry.load(), ask, env);
  }
  return program;
};
