import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { explainProblem } from '../../projections/parseYaml';
import { parsePolicy } from '../../projections/policies/parsePolicy';
import type { Policy } from '../../projections/policies/policy';
import { presetFile, type PresetName } from '../../projections/policies/presets';

export const presetFolder = join(__dirname, '../../projections/policies');

export const presetText = (name: PresetName): string => readFileSync(join(presetFolder, presetFile(name)), 'utf8');

/** A policy that must be right. */
export const policyOf = (text: string): Policy => {
  const parsed = parsePolicy(text);
  if (E.isLeft(parsed)) throw new Error(parsed.left.map((p) => explainProblem(p, 'policy')).join('\n'));
  return parsed.right;
};

export const preset = (name: PresetName): Policy => policyOf(presetText(name));

/** The lines that a wrong policy is told. */
export const complaints = (text: string): readonly string[] => {
  const parsed = parsePolicy(text);
  return E.isLeft(parsed) ? parsed.left.map((p) => explainProblem(p, 'policy')) : [];
};
