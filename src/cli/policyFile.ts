import * as E from 'fp-ts/Either';
import { join, resolve } from 'node:path';
import { closest } from '../../projections/policies/closest';
import { parsePolicy } from '../../projections/policies/parsePolicy';
import type { Policy } from '../../projections/policies/policy';
import { presetFile, presetNames, type PresetName } from '../../projections/policies/presets';
import { stop } from './faults';
import { readText } from './inputFile';
import { packageRoot } from './packageRoot';

const isPreset = (name: string): name is PresetName => presetNames.some((preset) => preset === name);

const isFile = (name: string): boolean => /[\\/]|\.(ya?ml|json)$/.test(name);

const parse = (text: string, source: string): Policy => {
  const parsed = parsePolicy(text);
  return E.isLeft(parsed) ? stop({ tag: 'BadDocument', source, problems: parsed.left }) : parsed.right;
};

/** A policy by the name of a preset, or from a YAML or JSON file; a file's name is relative to `folder`. */
export const loadPolicy = (name: string, folder: string): Policy => {
  if (isPreset(name)) {
    const file = join(packageRoot, 'projections', 'policies', presetFile(name));
    return parse(readText(file), file);
  }
  if (isFile(name)) {
    const file = resolve(folder, name);
    return parse(readText(file), file);
  }
  const near = closest(name, presetNames);
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  return stop({
    tag: 'UnknownName',
    message: `There is no policy "${name}".${hint} A policy is a YAML file, or one of ${presetNames.join(', ')}.`,
  });
};
