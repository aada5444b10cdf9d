import { canonicalJson, digestOf, isPlainObject, type Digest, type Json } from '../../events/digest';
import type { ModelRef } from '../../events/codecs';
import type { Sampling } from '../../events/generationProduced';
import type { Prompt } from '../ports/languageModel';

/** All that decides what is asked of a served model. Where it is served, and when, is not in it. */
export interface CallParts {
  readonly model: ModelRef;
  readonly prompt: Prompt;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  /** Which of the texts that this prompt may get: draws differ between samples. 0 at temperature 0 for a teacher. */
  readonly sample: Json;
}

const asJson = ({ model, prompt, sampling, stop, sample }: CallParts): Json => ({
  model: { ...model },
  prompt: typeof prompt === 'string' ? prompt : prompt.map(({ role, content }) => ({ role, content })),
  sampling: { ...sampling },
  stop: [...stop],
  sample,
});

/** The identity of a call: equal parts are the same call, which is never paid for twice. */
export const callKeyOf = (parts: CallParts): Digest => digestOf(asJson(parts));

/** The parts as the bytes of the blob that the key names: the whole of what was asked, readable without any code. */
export const callBytes = (parts: CallParts): Uint8Array => new TextEncoder().encode(canonicalJson(asJson(parts)));

/** One part of a call by its path, as `prompt[2].content`, with its value. */
export type FlatParts = ReadonlyMap<string, string>;

const flatten = (value: unknown, path: string, into: Map<string, string>): void => {
  if (Array.isArray(value)) {
    if (value.length === 0) into.set(path, '[]');
    for (const [i, item] of value.entries()) flatten(item, `${path}[${i}]`, into);
  } else if (typeof value === 'object' && value !== null && isPlainObject(value)) {
    for (const [name, item] of Object.entries(value)) flatten(item, path === '' ? name : `${path}.${name}`, into);
  } else into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
};

/** A call's parts, flat: from the bytes of its blob. Undefined where these are no call's. */
export const readParts = (bytes: Uint8Array): FlatParts | undefined => {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || !('prompt' in json) || !('model' in json)) return undefined;
  const flat = new Map<string, string>();
  flatten(json, '', flat);
  return flat;
};

export const flatParts = (parts: CallParts): FlatParts => {
  const flat = new Map<string, string>();
  flatten(asJson(parts), '', flat);
  return flat;
};

/** A part in which two calls differ. */
export interface Difference {
  readonly part: string;
  readonly here: string | null;
  readonly there: string | null;
  /** Characters from the first that differs to the last that does, in the longer of both. */
  readonly weight: number;
}

const changed = (a: string, b: string): number => {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return Math.max(a.length, b.length) - start - end;
};

/** In what two calls differ, part by part. */
export const differencesOf = (here: FlatParts, there: FlatParts): readonly Difference[] =>
  [...new Set([...here.keys(), ...there.keys()])].flatMap((part) => {
    const [a, b] = [here.get(part) ?? null, there.get(part) ?? null];
    if (a === b) return [];
    return [{ part, here: a, there: b, weight: 1 + changed(a ?? '', b ?? '') }];
  });

export const distanceOf = (differences: readonly Difference[]): number =>
  differences.reduce((sum, { weight }) => sum + weight, 0);
