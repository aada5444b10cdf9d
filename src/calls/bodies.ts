import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { findKey } from '../../events/secrets';
import type { BlobError, BlobStore } from '../ports/blobStore';
import type { ModelError } from '../ports/languageModel';

type Kept = BlobError | Extract<ModelError, { readonly tag: 'KeyInText' }>;

/** Bytes as text for looking into, whatever they are: bytes that are no UTF-8 do not hide an ASCII key. */
const readable = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);

/** Puts the exact bytes of a request or reply into the store, unless they hold an access key: then nothing is kept. */
export const keepBody = async (
  blobs: BlobStore,
  bytes: Uint8Array,
  secrets: readonly string[],
  where: string,
): Promise<E.Either<Kept, Digest>> => {
  const found = findKey(readable(bytes), secrets);
  if (found !== undefined) return E.left({ tag: 'KeyInText', where, what: found.what });
  return blobs.put(bytes)();
};
