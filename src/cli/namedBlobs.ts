import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { decodeEvent } from '../../events/index';
import { blobsNamedBy } from '../../projections/namedBlobs';
import type { EventLog } from '../ports/eventLog';

/** Digests of the blobs that the events of a ledger name. */
export const namedBlobs = async (log: EventLog): Promise<ReadonlySet<Digest>> => {
  const named = new Set<Digest>();
  const types = ['DatasetDerived', 'DatasetImported', 'CheckpointWritten'];
  for await (const recorded of log.readAll({ filter: { types } })) {
    const event = decodeEvent(recorded);
    if (E.isLeft(event)) continue;
    for (const digest of blobsNamedBy(event.right)) named.add(digest);
  }
  return named;
};
