import type { JsonSchema } from './codecs';
import { PolicyDocument } from './policyDocument';

/** A JSON Schema as editors read it. Policies in it are by reference: they may stand in several places. */
const published = (title: string, schema: JsonSchema, definitions?: JsonSchema): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title,
  ...schema,
  ...(definitions === undefined ? {} : { definitions }),
});

/** Of a policy file. */
export const policySchema = published('A policy of tripost', PolicyDocument.schema);

/** Of a document that may hold policies. */
export const schemaWithPolicies = (title: string, schema: JsonSchema): JsonSchema =>
  published(title, schema, { policy: PolicyDocument.schema });

/** The text of a schema file. */
export const schemaText = (schema: JsonSchema): string => `${JSON.stringify(schema, null, 2)}\n`;
