import type { Either } from 'fp-ts/Either';
import { isLeft, right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { JsonObject } from './jsonShape';

import type { TokenizerError } from './tokenizerError';
import { damaged, unsupported } from './tokenizerError';

/** What stands for a space in the vocabularies of Llama 2, TinyLlama and Mistral. */
export const spaceMark = '▁';

/** The space mark that a tokenizer adds to a text. */
export type Prefix =
  | 'none'
  /** At the beginning of the text, and behind every added token: the normalizer Prepend. */
  | 'always'
  /** Like 'always', but not where one stands already: Metaspace, `prepend_scheme: always`. */
  | 'lacking'
  /** Like 'lacking', but at the beginning of the text alone: Metaspace, `prepend_scheme: first`. */
  | 'first';

/** How a tokenizer.json spells text, and into what it cuts it before tokens are merged. */
export type Form =
  /** Bytes by their stand-ins (GPT-2, Llama 3, SmolLM2, Qwen), cut by pre-tokenizer steps. */
  | { readonly kind: 'bytes'; readonly nfc: boolean; readonly steps: readonly JsonObject[] }
  /** Characters with space marks for spaces, bytes for what is no token; whole, or cut before every space mark. */
  | {
      readonly kind: 'marks';
      readonly prefix: Prefix;
      /** Whether the normalizer writes the marks; a Metaspace pre-tokenizer does it behind added tokens. */
      readonly isNormalized: boolean;
      readonly split: boolean;
    };

/** The parts of a component that may be a Sequence of them, listed under `key`; none for null. Undefined: damaged. */
export const partsOf = (component: unknown, key: string): readonly JsonObject[] | undefined => {
  if (component === null || component === undefined) return [];
  if (!isMapping(component)) return undefined;
  if (component['type'] !== 'Sequence') return [component];
  const listed = component[key];
  const parts = Array.isArray(listed) ? listed.map((part: unknown) => partsOf(part, key)) : [undefined];
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
};

/** The steps of a pre-tokenizer that keeps every character; the last one is ByteLevel. */
const stepsOf = (value: unknown): Either<TokenizerError, readonly JsonObject[]> => {
  const steps = partsOf(value, 'pretokenizers') ?? [];
  if (steps.length === 0) return damaged('pre_tokenizer', 'one step or more', value);
  for (const [i, step] of steps.entries()) {
    const field = `pre_tokenizer[${i}]`;
    const { type } = step;
    const isLast = i === steps.length - 1;
    if ((type === 'ByteLevel') !== isLast) {
      return unsupported(field, 'ByteLevel as the last step, and only there', step);
    }
    if (type !== 'ByteLevel' && type !== 'Split' && type !== 'Digits') {
      return unsupported(`${field}.type`, 'Split, Digits or ByteLevel', type);
    }
    const behavior: unknown = step['behavior'];
    if (type === 'Split' && behavior !== 'Isolated') return unsupported(`${field}.behavior`, 'Isolated', behavior);
    const option = ['invert', 'add_prefix_space'].find((name) => step[name] === true);
    if (option !== undefined) return unsupported(`${field}.${option}`, 'false', true);
  }
  return right(steps);
};

const bytesForm = ({ normalizer, pre_tokenizer, decoder }: JsonObject): Either<TokenizerError, Form> => {
  const normalizers = partsOf(normalizer, 'normalizers');
  if (normalizers === undefined || !normalizers.every(({ type }) => type === 'NFC')) {
    return unsupported('normalizer', 'null or NFC', normalizer);
  }
  if (!isMapping(decoder) || decoder['type'] !== 'ByteLevel') return unsupported('decoder', 'ByteLevel', decoder);
  const steps = stepsOf(pre_tokenizer);
  if (isLeft(steps)) return steps;
  return right({ kind: 'bytes', nfc: normalizers.length > 0, steps: steps.right });
};

/** Whether a part has this type and, beside it, these values. */
const isPart = (part: JsonObject | undefined, type: string, values: JsonObject): boolean =>
  part?.['type'] === type &&
  Object.entries(values).every(([key, value]) => JSON.stringify(part[key]) === JSON.stringify(value));

/** What a Metaspace step adds and whether it cuts, with the library's defaults for absent keys; undefined: damaged. */
const metaspaceOf = (step: JsonObject): { readonly prefix: Prefix; readonly split: boolean } | undefined => {
  const { replacement, str_rep: spelling = spaceMark, split = true, add_prefix_space: adds = true } = step;
  const scheme = step['prepend_scheme'] ?? (adds === false ? 'never' : 'always');
  const isWhole = step['type'] === 'Metaspace' && replacement === spaceMark && spelling === spaceMark;
  if (!isWhole || typeof split !== 'boolean' || (adds === false && scheme !== 'never')) return undefined;
  if (scheme === 'always') return { prefix: 'lacking', split };
  if (scheme === 'first') return { prefix: 'first', split };
  return scheme === 'never' ? { prefix: 'none', split } : undefined;
};

const marksForm = ({ normalizer, pre_tokenizer, decoder }: JsonObject): Either<TokenizerError, Form> => {
  const normalizers = partsOf(normalizer, 'normalizers') ?? [{}];
  const prepends = isPart(normalizers[0], 'Prepend', { prepend: spaceMark });
  const others = prepends ? normalizers.slice(1) : normalizers;
  const replaces = isPart(others[0], 'Replace', { pattern: { String: ' ' }, content: spaceMark });
  if (others.length !== (replaces ? 1 : 0) || (prepends && !replaces)) {
    return unsupported('normalizer', `null, or Replace of " " by "${spaceMark}", with or without Prepend`, normalizer);
  }
  const steps = partsOf(pre_tokenizer, 'pretokenizers') ?? [{}];
  const metaspace = steps.length === 1 && steps[0] !== undefined ? metaspaceOf(steps[0]) : undefined;
  if (replaces ? steps.length > 0 : metaspace === undefined) {
    const expected = replaces ? 'null behind such a normalizer' : `Metaspace with "${spaceMark}"`;
    return unsupported('pre_tokenizer', expected, pre_tokenizer);
  }
  const form = metaspace ?? { prefix: prepends ? ('always' as const) : ('none' as const), split: false };
  const [replace, fallback, fuse, ...strip] = partsOf(decoder, 'decoders') ?? [];
  const isDecoder =
    isPart(replace, 'Replace', { pattern: { String: spaceMark }, content: ' ' }) &&
    isPart(fallback, 'ByteFallback', {}) &&
    isPart(fuse, 'Fuse', {}) &&
    strip.length === (form.prefix === 'none' ? 0 : 1) &&
    strip.every((part) => isPart(part, 'Strip', { content: ' ', start: 1, stop: 0 }));
  if (!isDecoder) {
    const expected = `Replace, ByteFallback, Fuse${form.prefix === 'none' ? '' : ' and Strip of one space in front'}`;
    return unsupported('decoder', expected, decoder);
  }
  return right({ kind: 'marks', ...form, isNormalized: replaces });
};

/**
 * The form of a tokenizer.json, by normalizer, pre-tokenizer and decoder together. Refused, by the field's name: what
 * loses or changes a character in another way than NFC or a space mark does, and a decoder that is not its inverse.
 */
export const formOf = (json: JsonObject, model: JsonObject): Either<TokenizerError, Form> =>
  model['byte_fallback'] === true ? marksForm(json) : bytesForm(json);
