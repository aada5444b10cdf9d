import * as E from 'fp-ts/Either';
import { isMapping, type Json } from '../../events/digest';
import { problemAt, type DocumentProblem } from '../parseYaml';
import { differences } from './change';
import { parsePolicyDocument } from './parsePolicyDocument';
import { Policy } from './policy';
import { parentOf, type PolicyDocument } from './policyDocument';

/** One document of a chain, and where it stands. */
export interface Layer {
  /** A file, or what else a message can name. */
  readonly source: string;
  readonly document: PolicyDocument;
  /** A problem at a path of it. */
  readonly problem: (path: readonly string[], message: string) => DocumentProblem;
}

export interface PolicyText {
  readonly source: string;
  readonly text: string;
}

/** The text of the policy that a name means in a document of `from`; left: why there is none. */
export type ReadPolicy = (name: string, from: string) => E.Either<string, PolicyText>;

/** What is wrong with one document of a chain. */
export interface PolicyProblem {
  readonly source: string;
  readonly problems: readonly DocumentProblem[];
}

export interface ResolvedPolicy {
  readonly policy: Policy;
  /** The documents that it is made of: the one that was asked for first, then what each extends. */
  readonly layers: readonly [Layer, ...Layer[]];
}

/** Mappings are merged key by key; anything else is replaced. */
const merged = (under: Json | undefined, over: Json): Json => {
  if (!isMapping(under) || !isMapping(over)) return over;
  const out: Record<string, Json> = { ...under };
  for (const [key, value] of Object.entries(over)) out[key] = merged(under[key], value);
  return out;
};

const wordOf = (value: Json): string => {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.map(wordOf).join('-');
  return typeof value === 'object' ? 'changed' : String(value);
};

/** A changed policy without a name of its own is called by what it changes: `tripost-balance.ratio-0.5`. */
const calledBy = (under: Policy, policy: Policy): Policy => {
  const changes = differences(under, policy);
  if (changes.length === 0) return under;
  const name = changes.reduce((so, { setting, to }) => `${so}-${setting}-${wordOf(to)}`, under.name);
  const note = changes.map(({ setting, to }) => `${setting} ${wordOf(to)}`).join(', ');
  const tidy = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return { ...policy, name: tidy.slice(0, 120), description: `${under.name} with ${note}` };
};

const decoded = (json: Json): Policy => {
  const policy = Policy.decode(json);
  if (E.isLeft(policy)) throw new Error(`Policies that are right alone make a wrong one: ${policy.left[0]?.message}`);
  return policy.right;
};

/** The policy of a chain of documents, each right alone: the last is under all others. */
const composed = (layers: readonly Layer[]): Policy => {
  let json: Json = {};
  let policy: Policy | undefined;
  for (const { document } of [...layers].reverse()) {
    const { extends: _, ...own } = document;
    const under = policy;
    json = merged(json, own);
    if (under === undefined) policy = decoded(json);
    else if (typeof own['name'] === 'string') {
      // A description is of the policy that has it.
      json = merged(json, { description: own['description'] ?? '' });
      policy = decoded(json);
    } else policy = calledBy(under, decoded(json));
    json = merged(json, { name: policy.name, description: policy.description });
  }
  if (policy === undefined) throw new Error('A policy is made of at least one document.');
  return policy;
};

/** A document from a file or another text. */
const layerOf = ({ source, text }: PolicyText): E.Either<PolicyProblem, Layer> => {
  const parsed = parsePolicyDocument(text);
  if (E.isLeft(parsed)) return E.left({ source, problems: parsed.left });
  return E.right({ source, document: parsed.right, problem: (path, message) => problemAt(text, path, message) });
};

/** Reads what a document extends, down to the one that extends nothing, and merges them. */
export const extended = (first: Layer, read: ReadPolicy): E.Either<PolicyProblem, ResolvedPolicy> => {
  const layers: [Layer, ...Layer[]] = [first];
  for (let last = first; ; ) {
    const parent = parentOf(last.document);
    if (parent === undefined) return E.right({ policy: composed(layers), layers });
    const refused = (message: string): E.Either<PolicyProblem, never> =>
      E.left({ source: last.source, problems: [last.problem(['extends'], message)] });
    const found = read(parent, last.source);
    if (E.isLeft(found)) return refused(found.left);
    const again = layers.findIndex(({ source }) => source === found.right.source);
    if (again >= 0)
      return refused(
        `it extends itself: ${[...layers.slice(again), layers[again]].map((l) => l?.source).join(' -> ')}`,
      );
    const next = layerOf(found.right);
    if (E.isLeft(next)) return next;
    layers.push(next.right);
    last = next.right;
  }
};

/** A policy from its text, with all that it extends. */
export const resolvePolicy = (given: PolicyText, read: ReadPolicy): E.Either<PolicyProblem, ResolvedPolicy> => {
  const first = layerOf(given);
  return E.isLeft(first) ? first : extended(first.right, read);
};

const has = (json: Json | undefined, path: readonly string[]): boolean => {
  const [key, ...rest] = path;
  if (key === undefined) return json !== undefined;
  return isMapping(json) && Object.hasOwn(json, key) && has(json[key], rest);
};

/** Which document of the chain a setting's value is from; undefined: it is at its default. */
export const originOf = ({ layers }: ResolvedPolicy, setting: string): Layer | undefined =>
  layers.find(({ document }) => has(document, setting.split('.')));
