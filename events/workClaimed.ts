import * as t from 'io-ts';
import { Count } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    collectionId: t.string,
    /** One collecting process. */
    claimant: t.string,
    /** Counts the claims of this claimant, from 0. */
    claim: Count,
    trajectoryIds: t.array(t.string),
    /** Unless it is kept or ended before, the claim lapses so many seconds after another collector has read it. */
    leaseSeconds: Count,
  },
  'WorkClaimed@1',
);
export type WorkClaimed = t.TypeOf<typeof V1>;

/**
 * One of several collectors takes trajectories on: nobody else makes calls for them until the claim has ended or lapsed.
 * A later claim on the same trajectory takes it over. Says nothing about what is collected; no dataset sees it.
 */
export const workClaimed = defineEvent('WorkClaimed', V1, {
  stream: (d) => `claims-${d.collectionId}`,
  identity: (d) => [d.collectionId, d.claimant, d.claim],
});
