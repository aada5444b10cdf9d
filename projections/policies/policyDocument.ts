import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { JsonValue } from '../../events/codecs';
import { isMapping, type Json } from '../../events/digest';
import { Described, maybe, noted, section, shown, Text, type JsonSchema } from './codecs';
import { formatVersion, policyFields, PolicyName } from './policy';

/** A policy as a person writes it: not filled in, and perhaps on top of another. Lists and sets are as they were written. */
export interface PolicyDocument {
  readonly [key: string]: Json;
}

const Parent = noted(
  Text,
  'The policy that this one changes: a preset, or a file relative to this one. Mappings are merged, lists are replaced.',
);

/** Where nothing is under it, a policy must say which format it is in, and what it is called. */
const Standing = section('policy', {
  extends: maybe(Parent),
  policy: formatVersion,
  name: PolicyName,
  ...policyFields,
});
const Extending = section('policy', {
  extends: Parent,
  policy: maybe(formatVersion),
  name: maybe(PolicyName),
  ...policyFields,
});

const isDocument = (u: unknown): u is PolicyDocument => isMapping(u) && JsonValue.is(u);

/** As the codecs: without `extends`, format and name are needed. */
const schema = (): JsonSchema => ({
  ...Extending.schema,
  required: [],
  anyOf: [
    { type: 'object', required: ['extends'] },
    { type: 'object', required: ['policy', 'name'] },
  ],
  description: 'A policy: which rows a ledger gives. select, admit, split, balance, weights, order, limit.',
});

/** One document of a policy, alone or in a chain: everything in it is checked, and it is given as it was written. */
export const PolicyDocument = new Described<PolicyDocument>(
  'policy',
  isDocument,
  (u, c) => {
    const given: unknown = u === undefined ? {} : u;
    const codec = isDocument(given) && Object.hasOwn(given, 'extends') ? Extending : Standing;
    const checked = codec.validate(given, c);
    if (E.isLeft(checked)) return checked;
    return isDocument(given) ? t.success(given) : t.failure(u, c, `expected a mapping, got ${shown(u)}`);
  },
  schema,
);

/** What a config names a policy by: a preset, a file, or the document itself. */
export const PolicyRef = new Described<string | PolicyDocument>(
  'the name of a preset, a file, or a policy',
  (u): u is string | PolicyDocument => typeof u === 'string' || isDocument(u),
  (u, c) => {
    if (typeof u === 'string') return t.success(u);
    if (isDocument(u)) return PolicyDocument.validate(u, c);
    return t.failure(u, c, `expected the name of a preset, a file, or a mapping with a policy; got ${shown(u)}`);
  },
  () => ({ anyOf: [{ type: 'string' }, { $ref: '#/definitions/policy' }] }),
);

/** The name that a document extends. */
export const parentOf = (document: PolicyDocument): string | undefined => {
  const parent = document['extends'];
  return typeof parent === 'string' ? parent : undefined;
};
