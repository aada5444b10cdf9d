import type { TaskEither } from 'fp-ts/TaskEither';
import type { Digest } from '../../events/digest';

export type BlobError =
  | { readonly tag: 'BlobMissing'; readonly digest: Digest; readonly where: string }
  /** The bytes under this digest do not have this digest. */
  | { readonly tag: 'BlobDamaged'; readonly digest: Digest; readonly got: Digest; readonly where: string }
  | { readonly tag: 'BlobNoSpace'; readonly digest: Digest; readonly where: string; readonly message: string }
  | { readonly tag: 'BlobUnavailable'; readonly digest: Digest; readonly where: string; readonly message: string };

/** Bytes by their SHA-256. Writing what is there is a no-op; reading checks the digest. */
export interface BlobStore {
  put(bytes: Uint8Array): TaskEither<BlobError, Digest>;
  /** Puts a blob that lies in pieces, without a copy of the whole. */
  putPieces(pieces: readonly Uint8Array[]): TaskEither<BlobError, Digest>;
  /**
   * Stores what comes in pieces, whole or not at all, without ever holding it whole. An error says no digest, for there is
   * none yet; what the pieces themselves throw is thrown on, and leaves nothing behind.
   */
  putStream(pieces: AsyncIterable<Uint8Array>): TaskEither<BlobError, Digest>;
  get(digest: Digest): TaskEither<BlobError, Uint8Array>;
  has(digest: Digest): Promise<boolean>;
  /** How many bytes are stored under a digest, unread; undefined: none. */
  size(digest: Digest): Promise<number | undefined>;
  /** Removes a blob; one that is not there is a no-op. */
  remove(digest: Digest): TaskEither<BlobError, void>;
  list(): AsyncIterable<Digest>;
}
