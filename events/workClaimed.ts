import * as t from 'io-ts';
import { Count } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    /** The collection, or the ablation, whose work several processes share. */
    workId: t.string,
    /** One process. */
    claimant: t.string,
    /** Counts the claims of this claimant, from 0. */
    claim: Count,
    /** Trajectories of a collection, seeds of an ablation. */
    items: t.array(t.string),
    /** Unless it is kept or ended before, the claim lapses so many seconds after another process has read it. */
    leaseSeconds: Count,
  },
  'WorkClaimed@1',
);
export type WorkClaimed = t.TypeOf<typeof V1>;

/**
 * One of several processes takes work on: nobody else does it until the claim has ended or lapsed. A later claim on the same
 * item takes it over. Says nothing about what comes of the work; no dataset sees it.
 */
export const workClaimed = defineEvent('WorkClaimed', V1, {
  stream: (d) => `claims-${d.workId}`,
  identity: (d) => [d.workId, d.claimant, d.claim],
});
