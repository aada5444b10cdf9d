import * as t from 'io-ts';
import { isPlainObject, type Json } from './digest';

/** A finite number: canonical JSON has no NaN and no infinities. */
export const Finite = new t.Type<number, number>(
  'Finite',
  (u): u is number => typeof u === 'number' && Number.isFinite(u),
  (u, c) => (typeof u === 'number' && Number.isFinite(u) ? t.success(u) : t.failure(u, c)),
  t.identity,
);

/** A whole number from 0 up to 2^53 - 1. */
export const Count = new t.Type<number, number>(
  'Count',
  (u): u is number => typeof u === 'number' && Number.isSafeInteger(u) && u >= 0,
  (u, c) => (typeof u === 'number' && Number.isSafeInteger(u) && u >= 0 ? t.success(u) : t.failure(u, c)),
  t.identity,
);

const hex64 = /^[0-9a-f]{64}$/;
/** Lower-case hex SHA-256. */
export const DigestText = new t.Type<string, string>(
  'Digest',
  (u): u is string => typeof u === 'string' && hex64.test(u),
  (u, c) => (typeof u === 'string' && hex64.test(u) ? t.success(u) : t.failure(u, c)),
  t.identity,
);

const isJson = (u: unknown): u is Json => {
  if (u === null || typeof u === 'string' || typeof u === 'boolean') return true;
  if (typeof u === 'number') return Number.isFinite(u);
  if (Array.isArray(u)) return u.every(isJson);
  return typeof u === 'object' && isPlainObject(u) && Object.values(u).every(isJson);
};

/** Any JSON value, kept as it is. */
export const JsonValue = new t.Type<Json, Json>(
  'Json',
  isJson,
  (u, c) => (isJson(u) ? t.success(u) : t.failure(u, c)),
  t.identity,
);

export const nullable = <C extends t.Mixed>(codec: C) => t.union([codec, t.null], `${codec.name} | null`);

/** Who wrote a text: the model in training, a large model, or a program. */
export const Author = t.keyof({ student: null, teacher: null, script: null }, 'Author');
export type Author = t.TypeOf<typeof Author>;

/** `error`: the verifier could not read the text. */
export const VerdictKind = t.keyof({ correct: null, incorrect: null, error: null }, 'Verdict');
export type VerdictKind = t.TypeOf<typeof VerdictKind>;

/** Where a model's text came from: weights by digest, or a served model by name. */
export const ModelRef = t.union(
  [
    t.strict({ kind: t.literal('checkpoint'), digest: DigestText }, 'CheckpointRef'),
    t.strict({ kind: t.literal('endpoint'), name: t.string }, 'EndpointRef'),
  ],
  'ModelRef',
);
export type ModelRef = t.TypeOf<typeof ModelRef>;

/** What a model is called: its checkpoint's digest, or its name at an endpoint. */
export const modelName = (model: ModelRef): string => (model.kind === 'endpoint' ? model.name : model.digest);

const CudaEnvironment = t.strict(
  { gpu: t.string, driver: t.string, libraries: t.record(t.string, t.string), determinism: t.string },
  'CudaEnvironment',
);

/**
 * The machine class and software that produced numbers; equal environments promise equal bits. `cuda` is there where the
 * provider is `cuda`, and only there: card, driver, libraries, and the settings that make its numbers repeatable.
 * `kernelThreads`: threads that shared single operators, where they were more than one: sums of wide matrices are then cut
 * by their number.
 */
export const Environment = t.exact(
  t.intersection([
    t.type({
      node: t.string,
      platform: t.string,
      arch: t.string,
      cpu: t.string,
      provider: t.string,
      packages: t.record(t.string, t.string),
    }),
    t.partial({ cuda: CudaEnvironment, kernelThreads: Count }),
  ]),
  'Environment',
);
export type Environment = t.TypeOf<typeof Environment>;
