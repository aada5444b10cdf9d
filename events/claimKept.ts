import * as t from 'io-ts';
import { Count } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    workId: t.string,
    claimant: t.string,
    claim: Count,
    /** Counts the times that this claim was kept, from 0. */
    beat: Count,
  },
  'ClaimKept@1',
);
export type ClaimKept = t.TypeOf<typeof V1>;

/** The claimant is alive and still at it: the lease begins anew. Written only where a claim lasts longer than a third of it. */
export const claimKept = defineEvent('ClaimKept', V1, {
  stream: (d) => `claims-${d.workId}`,
  identity: (d) => [d.workId, d.claimant, d.claim, d.beat],
});
