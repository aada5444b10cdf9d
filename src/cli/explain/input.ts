import { explainProblem } from '../../../projections/parseYaml';
import type { CliFault } from '../faults';
import { because, some, type Table } from './explained';

/** The last lines that a program wrote to stderr, its stack traces left out. */
const lastWords = (stderr: string): readonly string[] =>
  stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line))
    .slice(-5);

/** Messages of the command line's own input and output. */
export const inputTable: Table<
  Exclude<
    CliFault['tag'],
    | 'RuleModuleUnusable'
    | 'RuleSourceDiffers'
    | 'RuntimeMissing'
    | 'CudaUnavailable'
    | 'KeyUnreadable'
    | 'SignatureDiffers'
    | 'NoLedger'
    | 'MirrorDiffers'
  >
> = {
  Usage: ({ message }, { command }) =>
    because('usage', message, `Nothing was changed. \`tripost ${command} --help\` shows options and examples.`),
  BadDocument: ({ source, problems }) =>
    because(
      'usage',
      ...some(problems.map((problem) => explainProblem(problem, source))),
      'Nothing was changed. Correct the file and run again.',
    ),
  UnknownName: ({ message }) => because('usage', message, 'Nothing was changed.'),
  IdNotFound: ({ what, id, known }) =>
    because(
      'usage',
      `There is no ${what} ${JSON.stringify(id)} on this ledger.`,
      ...(known.length === 0 ? [] : [`  there are ${some(known, 6).join(', ')}`]),
      'An id is given whole, or by its first 6 or more characters. `tripost log` lists events.',
    ),
  IdAmbiguous: ({ what, id, found }) =>
    because(
      'usage',
      `${JSON.stringify(id)} could be more than one ${what}:`,
      ...some(found).map((each) => `  ${each}`),
      'Give more characters.',
    ),
  InputUnreadable: ({ path, message }) =>
    because('usage', `Cannot read ${path}`, `  ${message}`, 'Nothing was changed.'),
  BadLines: ({ path, lines, total }) =>
    because(
      'usage',
      `${path}: ${total} ${total === 1 ? 'line is' : 'lines are'} not in the expected format:`,
      ...some(lines).map((line) => `  ${line}`),
      'Nothing was imported. Correct the file, then import it again.',
    ),
  WouldOverwrite: ({ path, message }) =>
    because(
      'usage',
      `Refused to overwrite ${path}: ${message}`,
      'Nothing was changed. Name another folder, or move that one away.',
    ),
  OutputUnwritable: ({ path, message, full }) =>
    because(
      full ? 'space' : 'storage',
      full ? `No space left for ${path}` : `Cannot write ${path}`,
      `  ${message}`,
      'The ledger is whole: what this was made from is on it. Run the same command again after putting this right.',
    ),
  CannotListen: ({ where, message }) =>
    because(
      'usage',
      `Cannot listen on ${where}`,
      `  ${message}`,
      'Name another --port (0: one that is free) or --host.',
    ),
  VerifierFailed: ({ command, message, stderr }) =>
    because(
      'runtime',
      `The verifier \`${command}\` failed: ${message}`,
      ...lastWords(stderr).map((line) => `  ${line.slice(0, 200)}`),
      'What was judged before is on the ledger. Correct the verifier, then run the same command again.',
    ),
  VerifierDiffers: ({ command, first, second }) =>
    because(
      'runtime',
      `The verifier \`${command}\` gave two answers to the same question:`,
      `  ${first}`,
      `  ${second}`,
      'Its verdicts become data, so they must not depend on time, order or chance. Correct it, then run again.',
    ),
  Stopped: ({ what }, { signal }) =>
    because(signal === 'SIGTERM' ? 'terminated' : 'interrupted', `Stopped: ${what}`, 'Nothing was changed.'),
};
