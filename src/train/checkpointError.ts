import type { Either } from 'fp-ts/Either';
import { left } from 'fp-ts/Either';
import { quoted } from './jsonShape';

/** `field` is a key of a JSON file or a tensor's name; empty where the file as a whole is meant. */
export interface CheckpointError {
  readonly tag:
    | 'FileMissing'
    | 'FileDamaged'
    /** A model that this code does not have, such as one with experts or with positions scaled in another way. */
    | 'ConfigUnsupported'
    | 'ConfigDamaged'
    | 'TensorMissing'
    | 'TensorExtra'
    | 'TensorShape'
    /** A weight that is NaN or infinite; `field` has its index. */
    | 'TensorNotFinite';
  readonly file: string;
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

export const wrong = (
  tag: CheckpointError['tag'],
  file: string,
  field: string,
  expected: string,
  got: string,
): Either<CheckpointError, never> => left({ tag, file, field, expected, got });

/** A key of config.json, whose value is quoted. */
export const wrongConfig = (
  tag: 'ConfigUnsupported' | 'ConfigDamaged',
  field: string,
  expected: string,
  got: unknown,
): Either<CheckpointError, never> => wrong(tag, 'config.json', field, expected, quoted(got));
