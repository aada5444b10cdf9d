import { basename, dirname, join, resolve } from 'node:path';
import * as E from 'fp-ts/Either';
import { isCollection, parse, parseDocument, type Document } from 'yaml';
import { DigestText } from '../../events/codecs';
import { parseYaml, type DocumentProblem } from '../../projections/parseYaml';
import type { Policy } from '../../projections/policies/policy';
import type { PolicyDocument } from '../../projections/policies/policyDocument';
import { isTaskFolder, RunConfig, usualPolicies } from '../run/config';
import type { StartingModel } from '../run/base';
import type { RunInput } from '../run/runContext';
import type { Task } from '../tasks/task';
import type { Args } from './args';
import { stop, usage } from './faults';
import { readText, reason } from './inputFile';
import { namedTask } from './namedTask';
import { inlinePolicy, loadPolicy } from './policyFile';
import { readStudentFolder, startingModel } from './studentFolder';
import { loadUserTask } from './userTaskFolder';

/** One value that goes over the config. */
export interface Override {
  readonly key: string;
  readonly value: unknown;
  /** The option that it came by, for messages. */
  readonly from: string;
}

const valueOf = (text: string, from: string): unknown => {
  try {
    return parse(text) as unknown;
  } catch (failure) {
    return usage(`${from}: the value is not YAML: ${reason(failure)}`);
  }
};

/** `-S train.steps=40` as an override. */
export const overridesOf = (args: Args, flags: readonly string[] = []): readonly Override[] => {
  const given = flags.flatMap((key): readonly Override[] => {
    const value = args.text(key);
    return value === undefined ? [] : [{ key, value: valueOf(value, `--${key}`), from: `--${key}` }];
  });
  const sets = args.list('set').map((text): Override => {
    const at = text.indexOf('=');
    if (at < 1) return usage(`--set: expected key=value, got ${JSON.stringify(text)}`);
    const from = `--set ${text.slice(0, at)}`;
    return { key: text.slice(0, at), value: valueOf(text.slice(at + 1), from), from };
  });
  return [...sets, ...given];
};

const policyKeys = ['base.policy', 'policy'] as const;
type PolicyKey = (typeof policyKeys)[number];

/** A setting below a policy that is only named makes of it one that extends what is named. */
const openPolicy = (document: Document, key: string): void => {
  const policy = policyKeys.find((each) => key.startsWith(`${each}.`));
  if (policy === undefined) return;
  const path = policy.split('.');
  if (isCollection(document.getIn(path))) return;
  const named = document.getIn(path) ?? usualPolicies[policy];
  document.setIn(path, document.createNode({ extends: named }));
};

const apply = (text: string, overrides: readonly Override[]): string => {
  const document = parseDocument(text);
  for (const override of overrides) {
    try {
      openPolicy(document, override.key);
      document.setIn(override.key.split('.'), document.createNode(override.value));
    } catch {
      usage(`${override.from}: the config has no mapping where this key would be`);
    }
  }
  return document.toString();
};

const culprit = (problem: DocumentProblem, overrides: readonly Override[]): Override | undefined =>
  overrides.find(
    ({ key }) => problem.path === key || problem.path.startsWith(`${key}.`) || key.startsWith(`${problem.path}.`),
  );

/** Reads a config and puts overrides over it. Problems in the file have its line numbers, those of an override its option. */
export const readRunConfig = (file: string, overrides: readonly Override[]): RunConfig => {
  const text = readText(file);
  const alone = parseYaml(text, RunConfig);
  if (E.isLeft(alone)) return stop({ tag: 'BadDocument', source: file, problems: alone.left });
  if (overrides.length === 0) return alone.right;
  const together = parseYaml(apply(text, overrides), RunConfig);
  if (E.isRight(together)) return together.right;
  const lines = together.left.map((problem) => {
    const override = culprit(problem, overrides);
    return `${override?.from ?? file}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
  });
  return usage(lines.join('\n'));
};

/** The task of a config. One's own is what its files are, wherever they lie: their digest stands in the config in its path's place. */
const taskOf = (config: RunConfig, file: string, from: string): { readonly task: Task; readonly config: RunConfig } => {
  const { name } = config.task;
  if (!isTaskFolder(name)) return { task: namedTask(name, `${file}: task.name`), config };
  const { task, digest } = loadUserTask(resolve(from, name));
  return { task, config: { ...config, task: { ...config.task, name: task.name, config: { digest } } } };
};

/** The model that the base of a config starts from. It is what its files are: their digest stands in the config in its path's place. */
const startOf = (config: RunConfig, folder: string): { readonly config: RunConfig; readonly start?: StartingModel } => {
  const { from = null } = config.base;
  if (from === null || DigestText.is(from)) return { config };
  const start = startingModel(resolve(folder, from));
  return { config: { ...config, base: { ...config.base, from: start.digest } }, start };
};

export interface LoadedRun {
  readonly input: RunInput;
  readonly file: string;
}

/** The config file of a run with everything it names: task, policies, a student that was trained before. */
export const loadRun = (
  file: string,
  args: Args,
  flags: readonly string[] = [],
  more: readonly Override[] = [],
): LoadedRun => ({
  file,
  input: loadInput(file, [...overridesOf(args, flags), ...more], process.cwd()),
});

/** The same with given overrides; a file or folder that one of them names is relative to `folder`. */
export const loadInput = (file: string, overrides: readonly Override[], folder: string): RunInput => {
  const given = readRunConfig(file, overrides);
  const here = dirname(resolve(file));
  // What the command line names is relative to where the command is given; what the config names, to the config.
  const from = (...names: readonly string[]): string =>
    overrides.some(({ key }) => names.includes(key)) ? folder : here;
  const asked = taskOf(given, file, from('task.name'));
  const { task } = asked;
  const { config, start } = startOf(asked.config, from('base.from'));
  const policyOf = (key: PolicyKey, named: string | PolicyDocument): Policy => {
    const place = from(key, `${key}.extends`);
    if (typeof named === 'string') return loadPolicy(named, place);
    const at = join(place, basename(file));
    return inlinePolicy({ document: named, file: at, text: readText(file), at: key.split('.') }).policy;
  };
  const { trained } = config.base;
  return {
    config,
    task,
    policy: policyOf('policy', config.policy),
    basePolicy: policyOf('base.policy', config.base.policy),
    trained: trained === null ? undefined : readStudentFolder(resolve(here, trained)),
    start,
  };
};
