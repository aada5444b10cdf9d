import * as E from 'fp-ts/Either';
import { decodeEvent, type LedgerEvent } from '../../events/index';
import { resumeStates, type ResumeStates } from '../../projections/resumeStates';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';

/** The resume states of all trainings on a ledger. */
export const statesOn = async (log: EventLog): Promise<ResumeStates> => {
  const events: LedgerEvent[] = [];
  for await (const recorded of log.readAll({ filter: { types: ['CheckpointWritten', 'TrainingCompleted'] } })) {
    const event = decodeEvent(recorded);
    if (E.isRight(event)) events.push(event.right);
  }
  return resumeStates(events);
};

/**
 * Removes the states of a training that nothing goes on from any more. What makes them so is on the ledger before, so a
 * kill in between leaves blobs too many and never one too few; the next call removes those. What cannot be removed stays:
 * it does no harm but to the disk.
 */
export const collectStates = async (
  { log, blobs }: { readonly log: EventLog; readonly blobs: BlobStore },
  trainingId: string,
): Promise<void> => {
  const { over } = await statesOn(log);
  for (const digest of over.get(trainingId) ?? []) if (await blobs.has(digest)) await blobs.remove(digest)();
};
