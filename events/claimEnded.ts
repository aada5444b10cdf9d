import * as t from 'io-ts';
import { Count } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  {
    workId: t.string,
    claimant: t.string,
    claim: Count,
    /** Whether all of its items are done; else they are free for others. */
    done: t.boolean,
  },
  'ClaimEnded@1',
);
export type ClaimEnded = t.TypeOf<typeof V1>;

/** A claimant is through with a claim, or gives it back. */
export const claimEnded = defineEvent('ClaimEnded', V1, {
  stream: (d) => `claims-${d.workId}`,
  identity: (d) => [d.workId, d.claimant, d.claim],
});
