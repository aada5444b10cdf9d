import * as t from 'io-ts';
import { Count, DigestText, nullable } from './codecs';
import { defineEvent } from './defineEvent';

const V1 = t.strict(
  { size: Count, root: DigestText, previousSeal: nullable(t.string), signature: nullable(t.string) },
  'LedgerSealed@1',
);
export type LedgerSealed = t.TypeOf<typeof V1>;

/**
 * The Merkle root (RFC 6962) over the leaf hashes of the first `size` events in global order. `signature`, where there is
 * one: `ed25519:<key>:<base64>` over the text that docs/proofs.md gives.
 */
export const ledgerSealed = defineEvent('LedgerSealed', V1, {
  stream: () => 'seals',
  identity: (d) => [d.size, d.root],
});
