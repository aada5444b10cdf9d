import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { explainProblem } from '../../projections/parseYaml';
import { resolvePolicy, type ReadPolicy, type ResolvedPolicy } from '../../projections/policies/extend';
import type { Policy } from '../../projections/policies/policy';
import { presetFile, presetNames, type PresetName } from '../../projections/policies/presets';

export const presetFolder = join(__dirname, '../../projections/policies');

export const presetText = (name: PresetName): string => readFileSync(join(presetFolder, presetFile(name)), 'utf8');

/** Reads the presets, and what else there is. */
const readingAlso =
  (texts: Readonly<Record<string, string>>): ReadPolicy =>
  (name) => {
    const preset = presetNames.find((each) => each === name);
    const text = preset === undefined ? texts[name] : presetText(preset);
    return text === undefined ? E.left(`there is no policy "${name}"`) : E.right({ source: name, text });
  };

/** A policy that must be right, with its chain. `texts` has what it may extend, beside the presets. */
export const resolvedOf = (text: string, texts: Readonly<Record<string, string>> = {}): ResolvedPolicy => {
  const made = resolvePolicy({ source: 'policy', text }, readingAlso(texts));
  if (E.isRight(made)) return made.right;
  throw new Error(made.left.problems.map((p) => explainProblem(p, made.left.source)).join('\n'));
};

export const policyOf = (text: string, texts: Readonly<Record<string, string>> = {}): Policy =>
  resolvedOf(text, texts).policy;

export const preset = (name: PresetName): Policy => policyOf(presetText(name));

/** The lines that a wrong policy is told. */
export const complaints = (text: string, texts: Readonly<Record<string, string>> = {}): readonly string[] => {
  const made = resolvePolicy({ source: 'policy', text }, readingAlso(texts));
  return E.isLeft(made) ? made.left.problems.map((p) => explainProblem(p, made.left.source)) : [];
};
