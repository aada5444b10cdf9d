import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { parse } from 'yaml';
import { canonicalJson, isMapping, type Json } from '../../../events/digest';
import { presetNames } from '../../../projections/policies/presets';
import { PolicyDocument } from '../../../projections/policies/policyDocument';
import { policySchema, schemaText, schemaWithPolicies } from '../../../projections/policies/publishedSchema';
import type { JsonSchema } from '../../../projections/policies/codecs';
import { Matrix } from '../../../src/ablate/matrix';
import { RunConfig } from '../../../src/run/config';
import { tinyConfig } from '../../support/cliBuild';
import { updating } from '../../support/golden';
import { anyPolicy } from '../arbitraryPolicy';
import { presetText } from '../policyFiles';

const root = join(__dirname, '../../..');
const jsonOf = (value: unknown): Json => JSON.parse(canonicalJson(value));
const yamlOf = (file: string): Json => jsonOf(parse(readFileSync(file, 'utf8')));

interface Published {
  readonly file: string;
  readonly accepts: (document: Json) => boolean;
  readonly schema: JsonSchema;
  /** Documents that are right, to be changed at random. */
  readonly documents: fc.Arbitrary<Json>;
}

const extending = fc
  .tuple(anyPolicy, fc.boolean(), fc.subarray(['policy', 'name', 'select', 'admit', 'split', 'balance', 'limit']))
  .map(([policy, extend, left]): Json => {
    const kept = Object.fromEntries(Object.entries(policy).filter(([key]) => !left.includes(key)));
    return jsonOf(extend ? { ...kept, extends: 'tripost' } : kept);
  });

const published: readonly Published[] = [
  {
    file: 'projections/policies/policy.schema.json',
    accepts: (document) => E.isRight(PolicyDocument.decode(document)),
    schema: policySchema,
    documents: fc.oneof(extending, fc.constantFrom(...presetNames.map((name) => jsonOf(parse(presetText(name)))))),
  },
  {
    file: 'src/run/run.schema.json',
    accepts: (document) => E.isRight(RunConfig.decode(document)),
    schema: schemaWithPolicies('The config of a run of tripost', RunConfig.schema),
    documents: fc.tuple(fc.constant(yamlOf(tinyConfig)), fc.option(extending)).map(([config, policy]) => {
      return policy === null ? config : jsonOf({ ...(isMapping(config) ? config : {}), policy });
    }),
  },
  {
    file: 'src/ablate/matrix.schema.json',
    accepts: (document) => E.isRight(Matrix.decode(document)),
    schema: schemaWithPolicies('A comparison of tripost: arms or axes, over seeds', Matrix.schema),
    documents: fc.constant(yamlOf(join(root, 'src/ablate/matrices/smoke.yaml'))),
  },
];

/** Every place in a document, outermost first. */
const placesOf = (json: Json, at: readonly string[] = []): readonly (readonly string[])[] => {
  const below = isMapping(json) || Array.isArray(json) ? Object.entries(json) : [];
  return [at, ...below.flatMap(([key, value]: readonly [string, Json]) => placesOf(value, [...at, key]))];
};

const put = (json: Json, [key, ...rest]: readonly string[], value: Json | undefined): Json | undefined => {
  if (key === undefined) return value;
  if (Array.isArray(json)) {
    const list: readonly Json[] = json;
    return list.flatMap((each, i) => {
      const made = String(i) === key ? put(each, rest, value) : each;
      return made === undefined ? [] : [made];
    });
  }
  const fields: Record<string, Json> = isMapping(json) ? { ...json } : {};
  const made = put(fields[key] ?? {}, rest, value);
  if (made === undefined) delete fields[key];
  else fields[key] = made;
  return fields;
};

const values = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    '',
    'x',
    'tripost',
    'solved',
    'SI',
    'gold',
    'a b',
    0,
    1,
    2,
    -1,
    0.5,
    1e300,
    2 ** 53,
  ),
  fc.constantFrom<Json>([], ['solved'], ['solved', 'solved'], ['x'], [1], [null], {}, { x: 1 }, { extends: 'star' }),
);
const change = fc.record({
  place: fc.nat(),
  key: fc.option(fc.constantFrom('x', 'name', 'ratio', 'extends', 'label')),
  value: values,
  drop: fc.boolean(),
});

describe.each(published)('$file', ({ file, accepts, schema, documents }) => {
  it('is what the codec says: UPDATE_GOLDEN=1 writes it', () => {
    const path = join(root, file);
    if (updating()) writeFileSync(path, schemaText(schema));
    expect(existsSync(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(schemaText(schema));
  });

  it('accepts what the codec accepts, and nothing else', () => {
    const validate = new Ajv({ strict: true, strictRequired: false }).compile(schema);
    const seen = { right: 0, wrong: 0 };
    fc.assert(
      fc.property(documents, fc.array(change, { maxLength: 2 }), (document, changes) => {
        let made: Json = document;
        for (const { place, key, value, drop } of changes) {
          const places = placesOf(made);
          const at = places[place % places.length] ?? [];
          made = put(made, key === null ? at : [...at, key], drop && key === null ? undefined : value) ?? {};
        }
        const accepted = accepts(made);
        seen[accepted ? 'right' : 'wrong'] += 1;
        expect([made, validate(made)]).toEqual([made, accepted]);
      }),
      { numRuns: 1500 },
    );
    expect(Math.min(seen.right, seen.wrong)).toBeGreaterThan(200);
  });
});

it('every setting of a policy has a sentence and a default in its schema', () => {
  const settings = (schema: Json, at: string): readonly (readonly [string, Json])[] => {
    const properties = isMapping(schema) ? (schema['properties'] ?? null) : null;
    if (!isMapping(properties)) return [[at, schema]];
    return Object.entries(properties).flatMap(([key, below]) => settings(below, at === '' ? key : `${at}.${key}`));
  };
  const all = settings(policySchema, '');
  expect(all.length).toBeGreaterThan(70);
  const bare = all.filter(([, schema]) => !isMapping(schema) || typeof schema['description'] !== 'string');
  expect(bare.map(([setting]) => setting)).toEqual([]);
  const given = all.filter(([, schema]) => isMapping(schema) && schema['default'] === undefined).map(([key]) => key);
  expect(given).toEqual(['extends', 'policy', 'name']);
});

it('every shipped document names the schema beside it', () => {
  for (const name of presetNames)
    expect(presetText(name)).toMatch(/^# yaml-language-server: \$schema=\.\.\/policy\.schema\.json\n# /);
});
