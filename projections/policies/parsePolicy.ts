import type * as E from 'fp-ts/Either';
import { parseYaml, type DocumentProblem } from '../parseYaml';
import { Policy } from './policy';

/** Reads a policy from YAML or JSON text: the filled-in policy, or everything that is wrong with it, in line order. */
export const parsePolicy = (text: string): E.Either<readonly DocumentProblem[], Policy> => parseYaml(text, Policy);
