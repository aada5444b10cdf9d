import * as E from 'fp-ts/Either';
import { dirname, join, resolve } from 'node:path';
import { problemAt } from '../../projections/parseYaml';
import { closest } from '../../projections/policies/closest';
import {
  extended,
  resolvePolicy,
  type Layer,
  type PolicyText,
  type ResolvedPolicy,
} from '../../projections/policies/extend';
import type { Policy } from '../../projections/policies/policy';
import type { PolicyDocument } from '../../projections/policies/policyDocument';
import { presetFile, presetNames, type PresetName } from '../../projections/policies/presets';
import { Stop, stop, type Fault } from './faults';
import { readText } from './inputFile';
import { packageRoot } from './packageRoot';
import { withModules } from './ruleModules';

const isPreset = (name: string): name is PresetName => presetNames.some((preset) => preset === name);

const isFile = (name: string): boolean => /[\\/]|\.(ya?ml|json)$/.test(name);

/** Where the file of a preset is. */
export const presetPath = (name: PresetName): string => join(packageRoot, 'projections', 'policies', presetFile(name));

const textOf = (source: string): E.Either<Fault, PolicyText> => {
  try {
    return E.right({ source, text: readText(source) });
  } catch (failure) {
    if (failure instanceof Stop) return E.left(failure.fault);
    throw failure;
  }
};

/** The text of a preset, or of a file relative to `folder`. */
const findPolicy = (name: string, folder: string): E.Either<Fault, PolicyText> => {
  if (isPreset(name)) return textOf(presetPath(name));
  if (isFile(name)) return textOf(resolve(folder, name));
  const near = closest(name, presetNames);
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  const message = `There is no policy "${name}".${hint} A policy is a YAML file, or one of ${presetNames.join(', ')}.`;
  return E.left({ tag: 'UnknownName', message });
};

/** The policy that a document extends: a preset, or a file beside the document. */
const readParent = (name: string, from: string): E.Either<string, PolicyText> => {
  const found = findPolicy(name, dirname(from));
  if (E.isRight(found)) return found;
  const { left: fault } = found;
  if (fault.tag === 'InputUnreadable') return E.left(`cannot read ${fault.path}: ${fault.message}`);
  return E.left(fault.tag === 'UnknownName' ? fault.message : fault.tag);
};

const right = (made: ReturnType<typeof resolvePolicy>): ResolvedPolicy =>
  E.isLeft(made) ? stop({ tag: 'BadDocument', ...made.left }) : withModules(made.right);

/** A policy that a person wrote where a name could stand: in a config, or as an option. */
export interface InlinePolicy {
  readonly document: PolicyDocument;
  /** The file that it stands in: what it extends is relative to that. */
  readonly file: string;
  /** That file's text, and the key under which the policy stands there. */
  readonly text: string;
  readonly at: readonly string[];
}

const layerOf = ({ document, file, text, at }: InlinePolicy): Layer => ({
  source: file,
  document,
  problem: (path, message) => problemAt(text, [...at, ...path], message),
});

/** A policy that a document holds, with all that it extends. */
export const inlinePolicy = (inline: InlinePolicy): ResolvedPolicy => right(extended(layerOf(inline), readParent));

/**
 * A policy by the name of a preset, from a YAML or JSON file whose name is relative to `folder`, or the document itself
 * where the name begins with a brace; with all that it extends.
 */
export const findResolved = (name: string, folder: string): ResolvedPolicy => {
  if (name.trimStart().startsWith('{'))
    return right(resolvePolicy({ source: join(folder, 'policy'), text: name }, readParent));
  const found = findPolicy(name, folder);
  return E.isLeft(found) ? stop(found.left) : right(resolvePolicy(found.right, readParent));
};

export const loadPolicy = (name: string, folder: string): Policy => findResolved(name, folder).policy;
