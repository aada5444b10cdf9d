import * as E from 'fp-ts/Either';
import { explainProblem, type DocumentProblem } from '../../../projections/parseYaml';
import { closest } from '../../../projections/policies/closest';
import {
  describePolicy,
  type DescribedPolicy,
  type DescribedSetting,
} from '../../../projections/policies/describePolicy';
import { policyDigest } from '../../../projections/policies/policy';
import { parentOf } from '../../../projections/policies/policyDocument';
import { presetNames } from '../../../projections/policies/presets';
import type { Args } from '../args';
import { jsonFlag, type Command, type Context } from '../command';
import type { ExitName } from '../exitCodes';
import { explain as explainFault } from '../explain';
import { Stop, usage } from '../faults';
import { readText } from '../inputFile';
import { findResolved, presetPath } from '../policyFile';

/** What is above a preset's first line: where it is from, and what of that it cannot be. */
export const sourceOf = (text: string): string =>
  (/^(?:#.*\n)+/.exec(text)?.[0] ?? '')
    .split('\n')
    .filter((line) => !line.startsWith('# yaml-language-server'))
    .map((line) => line.replace(/^# ?/, ''))
    .join(' ')
    .trim();

const list = async ({ out, json }: Context): Promise<ExitName> => {
  const policies = presetNames.map((name) => {
    const file = presetPath(name);
    const { policy, layers } = findResolved(name, '.');
    const { description } = policy;
    const parent = parentOf(layers[0].document) ?? null;
    return {
      name,
      description,
      source: sourceOf(readText(file)),
      extends: parent,
      digest: policyDigest(policy),
      file,
    };
  });
  if (json) {
    await out.json({ policies });
    return 'ok';
  }
  const width = Math.max(...presetNames.map((name) => name.length));
  for (const { name, description, source } of policies) {
    await out.line(`${out.colors.bold(name.padEnd(width))}  ${description}`);
    await out.line(`${' '.repeat(width)}  ${out.colors.dim(source)}`);
  }
  return 'ok';
};

interface Validated {
  readonly policy: string;
  readonly ok: boolean;
  readonly name: string | null;
  readonly digest: string | null;
  readonly problems: readonly (DocumentProblem & { readonly source: string })[];
  /** What keeps it from being read at all. */
  readonly unreadable: string | null;
}

const validated = (policy: string): Validated => {
  const wrong = { policy, ok: false, name: null, digest: null, problems: [], unreadable: null };
  const found = E.tryCatch(
    () => findResolved(policy, process.cwd()).policy,
    (failure) => failure,
  );
  if (E.isRight(found)) {
    const { name } = found.right;
    return { ...wrong, ok: true, name, digest: policyDigest(found.right) };
  }
  const failure = found.left;
  if (!(failure instanceof Stop)) throw failure;
  const { fault } = failure;
  if (fault.tag === 'BadDocument')
    return { ...wrong, problems: fault.problems.map((problem) => ({ source: fault.source, ...problem })) };
  if (fault.tag === 'InputUnreadable') return { ...wrong, unreadable: `cannot read ${fault.path}: ${fault.message}` };
  if (fault.tag === 'RuleModuleUnusable' || fault.tag === 'RuleSourceDiffers') {
    const { message } = explainFault(fault, { command: 'policy', ledger: undefined, signal: undefined, memory: 0 });
    return { ...wrong, unreadable: message };
  }
  if (fault.tag === 'UnknownName') return { ...wrong, unreadable: fault.message };
  throw failure;
};

const validate = async (names: readonly string[], { out, json }: Context): Promise<ExitName> => {
  if (names.length === 0) usage('validate: name at least one policy');
  const policies = names.map(validated);
  const ok = policies.every((each) => each.ok);
  if (json) await out.json({ ok, policies });
  else
    for (const { policy, name, digest, problems, unreadable } of policies) {
      if (name !== null) await out.line(`${policy}: right, ${name} ${digest}`);
      if (unreadable !== null) await out.line(`${policy}: ${unreadable}`);
      for (const problem of problems) await out.line(explainProblem(problem, problem.source));
    }
  return ok ? 'ok' : 'refused';
};

const valueLine = ({ setting, value, isDefault, from }: DescribedSetting, chain: readonly string[]): string => {
  const whence = from === null ? 'default' : chain.length === 1 ? 'given' : `from ${from}`;
  return `    ${setting}: ${JSON.stringify(value)}  (${whence}${from !== null && isDefault ? ', the default' : ''})`;
};

const explain = async (names: readonly string[], args: Args, { out, json }: Context): Promise<ExitName> => {
  const [name, ...more] = names;
  if (name === undefined || more.length > 0) return usage(`explain: expected one policy, got ${names.length}`);
  const described: DescribedPolicy = describePolicy(findResolved(name, process.cwd()));
  if (json) {
    await out.json(described);
    return 'ok';
  }
  const { chain, description, digest, stages } = described;
  await out.line(`${out.colors.bold(described.name)}  ${description}`);
  await out.line(`digest ${digest}`);
  await out.line(`made of ${chain.join(', which extends ')}`);
  for (const { stage, says, settings } of stages) {
    await out.line(`\n${out.colors.bold(stage)}`);
    for (const sentence of says) await out.line(`  ${sentence}`);
    for (const setting of settings)
      if (setting.from !== null || args.has('all')) await out.line(out.colors.dim(valueLine(setting, chain)));
  }
  return 'ok';
};

const actions = ['list', 'explain', 'validate'] as const;

export const policy: Command = {
  name: 'policy',
  summary: 'List the shipped policies, explain what one does and whence each value is, or validate files',
  json: 'object',
  details: [
    'list: every shipped policy with its line and its source. explain <policy>: what each stage does, every value that a',
    'document gives, and which document of the `extends` chain gives it. validate <policy...>: every problem with its file,',
    'line and column; ends with the exit code of refused checks where one is wrong.',
    'JSON of list: {policies: [{name, description, source, extends, digest, file}]}; of explain: {name, description, digest,',
    'chain, stages: [{stage, says, settings: [{setting, value, default, isDefault, from}]}]}; of validate: {ok, policies:',
    '[{policy, ok, name, digest, problems: [{source, line, column, path, message}], unreadable}]}.',
  ].join('\n'),
  arguments: [
    { name: '<action>', description: actions.join(', ') },
    { name: '[policies...]', description: 'presets, files, or a document in braces' },
  ],
  flags: [{ flags: '--all', description: 'with explain: settings at their defaults too' }, jsonFlag],
  examples: [
    'tripost policy list',
    'tripost policy explain tripost',
    'tripost policy explain mine.yaml --all',
    'tripost policy validate mine.yaml policies/half.yaml --json',
  ],
  run: async (args, context) => {
    const action = args.at(0);
    const names = args.from(1);
    if (action === 'list') return names.length === 0 ? list(context) : usage('list: expected no policy');
    if (action === 'explain') return explain(names, args, context);
    if (action === 'validate') return validate(names, context);
    const near = closest(action, actions);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    return usage(`there is no action "${action}".${hint} They are ${actions.join(', ')}.`);
  },
};
