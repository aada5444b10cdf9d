import type { Either } from 'fp-ts/Either';
import { right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { CheckpointError } from './checkpointError';
import { wrongConfig } from './checkpointError';
import type { JsonObject } from './jsonShape';
import { isCount, quoted } from './jsonShape';
import type { RopeScaling } from './modelShape';

/** The value of `rope_scaling`; with `type`, which every transformers 4 reads, where that is enough. */
export const scalingConfig = (scaling: RopeScaling | undefined): JsonObject | null => {
  if (scaling === undefined) return null;
  if (scaling.type === 'linear') return { factor: scaling.factor, type: 'linear' };
  return {
    factor: scaling.factor,
    high_freq_factor: scaling.highFrequencyFactor,
    low_freq_factor: scaling.lowFrequencyFactor,
    original_max_position_embeddings: scaling.originalMaxPositions,
    rope_type: 'llama3',
  };
};

/** Keys of `rope_scaling` and `rope_parameters` that are read; others would change positions in ways unknown here. */
const knownKeys: ReadonlySet<string> = new Set([
  'rope_type',
  'type',
  'rope_theta',
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
  'partial_rotary_factor',
]);

const ropeTypes: readonly unknown[] = ['default', 'linear', 'llama3'];

const isPositive = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;

export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling | null;
}

/**
 * Rotary positions of a config.json: `rope_theta` beside `rope_scaling` (transformers 4) or both in `rope_parameters`
 * (5). Where a file has both objects, `rope_scaling` counts, as in transformers.
 */
export const ropeOf = (config: JsonObject, maxPositions: number): Either<CheckpointError, Rope> => {
  const old = config['rope_scaling'] ?? null;
  const [name, given] = old === null ? ['rope_parameters', config['rope_parameters'] ?? {}] : ['rope_scaling', old];
  if (!isMapping(given)) return wrongConfig('ConfigDamaged', name, 'an object or null', given);
  const damaged = (field: string, expected: string) =>
    wrongConfig('ConfigDamaged', `${name}.${field}`, expected, given[field]);
  const unknown = Object.keys(given).find((key) => !knownKeys.has(key) && (given[key] ?? null) !== null);
  const typeField = given['rope_type'] === undefined && given['type'] !== undefined ? 'type' : 'rope_type';
  const type = given[typeField] ?? 'default';
  if (!ropeTypes.includes(type)) {
    const expected = ropeTypes.map(quoted).join(', ');
    return wrongConfig('ConfigUnsupported', `${name}.${typeField}`, expected, type);
  }
  if (unknown !== undefined) return wrongConfig('ConfigUnsupported', `${name}.${unknown}`, 'nothing', given[unknown]);
  if ((given['partial_rotary_factor'] ?? 1) !== 1) {
    return wrongConfig('ConfigUnsupported', `${name}.partial_rotary_factor`, '1', given['partial_rotary_factor']);
  }
  const theta = given['rope_theta'] ?? config['rope_theta'] ?? 10_000;
  if (!isPositive(theta)) {
    const field = (given['rope_theta'] ?? null) === null ? 'rope_theta' : `${name}.rope_theta`;
    return wrongConfig('ConfigDamaged', field, 'a positive number', theta);
  }
  if (type === 'default') return right({ theta, scaling: null });
  const { factor, low_freq_factor: low, high_freq_factor: high } = given;
  if (!isPositive(factor)) return damaged('factor', 'a positive number');
  if (type === 'linear') return right({ theta, scaling: { type: 'linear', factor } });
  const original = given['original_max_position_embeddings'] ?? maxPositions;
  if (!isPositive(low)) return damaged('low_freq_factor', 'a positive number');
  if (!isPositive(high) || high <= low) return damaged('high_freq_factor', `a number above low_freq_factor, ${low}`);
  if (!isCount(original) || original === 0) return damaged('original_max_position_embeddings', 'a positive integer');
  return right({
    theta,
    scaling: {
      type: 'llama3',
      factor,
      lowFrequencyFactor: low,
      highFrequencyFactor: high,
      originalMaxPositions: original,
    },
  });
};
