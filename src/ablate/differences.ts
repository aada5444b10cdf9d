import { canonicalJson, isMapping } from '../../events/digest';
import type { RunInput } from '../run/runContext';

/** One setting in which two runs differ; null where a run does not have it. Values are canonical JSON. */
export interface Difference {
  readonly path: string;
  readonly baseline: string | null;
  readonly other: string | null;
}

/** Every value of a document by its dotted path; lists are values. */
const leavesOf = (value: unknown, path: string, into: Map<string, string>): Map<string, string> => {
  if (isMapping(value)) {
    for (const [key, below] of Object.entries(value)) leavesOf(below, path === '' ? key : `${path}.${key}`, into);
  } else into.set(path, canonicalJson(value));
  return into;
};

/** Everything that decides a run's results: the config with its policies' documents in place of their names. */
const documentOf = ({ config, policy, basePolicy }: RunInput): object => {
  const { trained: _, ...base } = config.base;
  const { name: __, description: ___, ...rules } = policy;
  const { name: ____, description: _____, ...baseRules } = basePolicy;
  return { ...config, policy: rules, base: { ...base, policy: baseRules } };
};

/** The settings in which two runs differ, by path. What a policy is called does not count, what it says does. */
export const differencesBetween = (baseline: RunInput, other: RunInput): readonly Difference[] => {
  const leaves = (input: RunInput): Map<string, string> => leavesOf(documentOf(input), '', new Map());
  const [a, b] = [leaves(baseline), leaves(other)];
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort();
  return paths.flatMap((path) => {
    const [was, is] = [a.get(path) ?? null, b.get(path) ?? null];
    return was === is ? [] : [{ path, baseline: was, other: is }];
  });
};

/** Differences that no named setting covers: `policy` covers `policy.balance.ratio`. */
export const unnamed = (differences: readonly Difference[], vary: readonly string[]): readonly Difference[] =>
  differences.filter(({ path }) => !vary.some((key) => path === key || path.startsWith(`${key}.`)));
