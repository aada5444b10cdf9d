import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { decodeEvent } from '../../events/index';
import { blobsNamedBy } from '../../projections/namedBlobs';
import type { EventLog } from '../ports/eventLog';
import { statesOn } from '../train/collectStates';

/** States to resume from that the ledger needs no more: their blobs are removed as trainings go on. */
export const statesOver = async (log: EventLog): Promise<ReadonlySet<Digest>> =>
  new Set([...(await statesOn(log)).over.values()].flat());

/**
 * Digests of the blobs that the events of a ledger name, but for resume states that are needed no more. `whole` is the
 * ledger where `log` is a part of it: what was needed then may not be now.
 */
export const namedBlobs = async (log: EventLog, whole: EventLog = log): Promise<ReadonlySet<Digest>> => {
  const over = await statesOver(whole);
  const named = new Set<Digest>();
  const types = [
    'DatasetDerived',
    'DatasetImported',
    'CheckpointWritten',
    'GenerationProduced',
    'CallFailed',
    'CollectionStarted',
  ];
  for await (const recorded of log.readAll({ filter: { types } })) {
    const event = decodeEvent(recorded);
    if (E.isLeft(event)) continue;
    for (const digest of blobsNamedBy(event.right)) if (!over.has(digest)) named.add(digest);
  }
  return named;
};
