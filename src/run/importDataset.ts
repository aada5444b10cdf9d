import * as E from 'fp-ts/Either';
import { datasetImported, type DatasetImported } from '../../events/datasetImported';
import type { DecodeError } from '../../events/index';
import { openStream } from '../ledger/openStream';
import type { BlobError, BlobStore } from '../ports/blobStore';
import type { AppendError, EventLog } from '../ports/eventLog';

export type ImportDatasetError = AppendError | BlobError | DecodeError;

/**
 * Puts a dataset that was derived elsewhere on the ledger: its bytes into the blobs, and a DatasetImported event with what
 * its file says of its derivation. A dataset that was derived on this very ledger is left as it is, and so is the same file
 * when it comes again.
 */
export const importDataset = async (
  event: DatasetImported,
  datasetBytes: Uint8Array,
  { log, blobs }: { readonly log: EventLog; readonly blobs: BlobStore },
): Promise<E.Either<ImportDatasetError, 'imported' | 'known'>> => {
  const created = datasetImported.create(event);
  const stream = await openStream(log, datasetImported.stream(event));
  if (E.isLeft(stream)) return stream;
  const isKnown = stream.right.events.some(({ type, id }) => type === 'DatasetDerived' || id === created.id);
  // The bytes go first: an event never names a blob that is not there.
  const put = await blobs.put(datasetBytes)();
  if (E.isLeft(put)) return put;
  if (isKnown) return E.right('known');
  const appended = await stream.right.append([created]);
  return E.isLeft(appended) ? appended : E.right('imported');
};
