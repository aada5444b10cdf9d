import type * as E from 'fp-ts/Either';
import { parseYaml, type DocumentProblem } from '../parseYaml';
import { PolicyDocument } from './policyDocument';

/** Reads one document of a policy from YAML or JSON text: as it was written, or everything that is wrong, in line order. */
export const parsePolicyDocument = (text: string): E.Either<readonly DocumentProblem[], PolicyDocument> =>
  parseYaml(text, PolicyDocument);
