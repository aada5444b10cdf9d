import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import type { BlobError, BlobStore } from '../ports/blobStore';
import {
  checkpointDigest,
  decodeCheckpoint,
  decodeTokenizer,
  type Checkpoint,
  type CheckpointError,
} from './checkpoint';
import { wrongConfig } from './checkpointError';
import { loadTokenizer, type Tokenizer, type TokenizerError } from './tokenizer';
import { tokenizerParts } from './tokenizerParts';

/** A checkpoint in the blob store: the files of its Hugging Face folder by digest, and the digest of that map. */
export interface StoredCheckpoint {
  readonly digest: Digest;
  readonly files: Readonly<Record<string, Digest>>;
  /** Digest of model.safetensors. */
  readonly weights: Digest;
}

/** A checkpoint ready for use. */
export interface LoadedCheckpoint extends Checkpoint {
  readonly digest: Digest;
  readonly tokenizer: Tokenizer;
}

/** Puts the files of a model folder in the store. */
export const storeFiles = async (
  blobs: BlobStore,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<E.Either<BlobError, StoredCheckpoint>> => {
  const digests = new Map<string, Digest>();
  for (const [name, bytes] of files) {
    const put = await blobs.put(bytes)();
    if (E.isLeft(put)) return put;
    digests.set(name, put.right);
  }
  const weights = digests.get('model.safetensors') ?? '';
  return E.right({ digest: checkpointDigest(digests), files: Object.fromEntries(digests), weights });
};

/** Reads a checkpoint back, every file checked against its digest. */
export const loadCheckpoint = async (
  blobs: BlobStore,
  digest: Digest,
  files: Readonly<Record<string, Digest>>,
): Promise<E.Either<BlobError | CheckpointError | TokenizerError, LoadedCheckpoint>> => {
  const bytes = new Map<string, Uint8Array>();
  for (const [name, file] of Object.entries(files)) {
    const got = await blobs.get(file)();
    if (E.isLeft(got)) return got;
    bytes.set(name, got.right);
  }
  return openFiles(digest, bytes);
};

/** The files that say how a model's texts become tokens; tokenizer_config.json may be absent. */
const tokenizerFiles = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];

/** A model folder's tokenizer; its weights are not looked at. */
export const openTokenizer = (
  files: ReadonlyMap<string, Uint8Array>,
): E.Either<CheckpointError | TokenizerError, Tokenizer> => {
  const decoded = decodeTokenizer(files);
  if (E.isLeft(decoded)) return decoded;
  const config = files.get('tokenizer_config.json');
  return loadTokenizer(decoded.right.tokenizerJson, decoded.right.endId, config && new TextDecoder().decode(config));
};

/** A stored checkpoint's tokenizer, without reading its weights; every file is checked against its digest. */
export const loadCheckpointTokenizer = async (
  blobs: BlobStore,
  files: Readonly<Record<string, Digest>>,
): Promise<E.Either<BlobError | CheckpointError | TokenizerError, Tokenizer>> => {
  const bytes = new Map<string, Uint8Array>();
  for (const name of tokenizerFiles) {
    const digest = files[name];
    if (digest === undefined) continue;
    const got = await blobs.get(digest)();
    if (E.isLeft(got)) return got;
    bytes.set(name, got.right);
  }
  return openTokenizer(bytes);
};

/** The lowest id for which the model has no embedding, with its token. */
const tokenBeyond = ({ json }: Tokenizer, vocabSize: number): readonly [number, string] => {
  const parts = tokenizerParts(json);
  if (E.isLeft(parts)) return [vocabSize, ''];
  const ids = [...parts.right.vocab, ...parts.right.added.map(({ content, id }) => [content, id] as const)];
  const beyond = ids.filter(([, id]) => id >= vocabSize).sort(([, a], [, b]) => a - b);
  const [token, id] = beyond[0] ?? ['', vocabSize];
  return [id, token];
};

/**
 * A model folder's files as a checkpoint ready for use. The embedding may have more rows than the tokenizer has ids, as
 * when it is padded to a round number, but none fewer.
 */
export const openFiles = (
  digest: Digest,
  files: ReadonlyMap<string, Uint8Array>,
): E.Either<CheckpointError | TokenizerError, LoadedCheckpoint> => {
  const decoded = decodeCheckpoint(files);
  if (E.isLeft(decoded)) return decoded;
  const { shape } = decoded.right;
  const tokenizer = openTokenizer(files);
  if (E.isLeft(tokenizer)) return tokenizer;
  if (tokenizer.right.vocabSize > shape.vocabSize) {
    const [id, token] = tokenBeyond(tokenizer.right, shape.vocabSize);
    const expected = `more than ${id}, which tokenizer.json gives to ${JSON.stringify(token)}`;
    return wrongConfig('ConfigDamaged', 'vocab_size', expected, shape.vocabSize);
  }
  return E.right({ ...decoded.right, digest, tokenizer: tokenizer.right });
};
