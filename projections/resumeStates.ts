import type { Digest } from '../events/digest';
import type { LedgerEvent } from '../events/index';

/** States of a training that goes on which are kept: the last, and one before it. */
const statesKept = 2;

/** The states that trainings wrote to be resumed from. */
export interface ResumeStates {
  /** What a training that is not complete may go on from. */
  readonly needed: ReadonlySet<Digest>;
  /** What nothing goes on from any more, by the training that wrote it: its blob may be gone. */
  readonly over: ReadonlyMap<string, readonly Digest[]>;
}

/** Which resume states are needed, from the CheckpointWritten and TrainingCompleted events of a ledger in order. */
export const resumeStates = (events: Iterable<LedgerEvent>): ResumeStates => {
  const written = new Map<string, Digest[]>();
  const completed = new Set<string>();
  const others = new Set<Digest>();
  for (const event of events) {
    if (event.type === 'TrainingCompleted') completed.add(event.data.trainingId);
    if (event.type !== 'CheckpointWritten') continue;
    const { kind, trainingId, optimizer, files } = event.data;
    if (kind !== 'resume' || trainingId === null || optimizer === null) {
      for (const digest of Object.values(files)) others.add(digest);
      continue;
    }
    const known = written.get(trainingId) ?? [];
    known.push(optimizer);
    written.set(trainingId, known);
  }
  const needed = new Set(
    [...written].flatMap(([trainingId, states]) => (completed.has(trainingId) ? [] : states.slice(-statesKept))),
  );
  // Trainings that do the same write the same bytes: one's state may be what another still needs.
  const over = [...written].map(([trainingId, states]): [string, readonly Digest[]] => [
    trainingId,
    [...new Set(states)].filter((digest) => !needed.has(digest) && !others.has(digest)),
  ]);
  return { needed, over: new Map(over) };
};
