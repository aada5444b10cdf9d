import type { ProveError } from '../../ledger/prove';
import type { CliFault } from '../faults';
import { because, ledgerOption, type Table } from './explained';

/** Messages of seals, proofs and signatures. */
export const proofTable: Table<ProveError['tag'] | Extract<CliFault['tag'], 'KeyUnreadable' | 'SignatureDiffers'>> = {
  NotSealed: ({ eventId, index, size }, at) =>
    because(
      'usage',
      `Event ${eventId} is event ${index + 1} of the ledger, and the seal is over the first ${size}.`,
      `\`tripost seal${ledgerOption(at)}\` seals everything up to now; then ask again.`,
    ),
  RootDiffers: ({ size, expected, got }, at) =>
    because(
      'mismatch',
      `The first ${size} events of this ledger do not have the root that was asked about.`,
      `  expected ${expected}`,
      `  got      ${got ?? 'fewer events'}`,
      'It is the root of another ledger, or something under it was changed, added or taken out since.',
      `\`tripost verify${ledgerOption(at)}\` names the first damaged event.`,
    ),
  KeyUnreadable: ({ path, expected, got }) =>
    because(
      'usage',
      `Cannot use the key in ${path}: expected ${expected}, got ${got}.`,
      'Nothing was changed. `openssl genpkey -algorithm ed25519 -out key.pem` makes a private key, `openssl pkey -in key.pem -pubout -out key.pub` its public one.',
    ),
  SignatureDiffers: ({ where, key, got }) =>
    because(
      'mismatch',
      `The signature is not a good one by key ${key}: ${where}`,
      `  expected good, got ${got}`,
      'Either the seal was changed after it was signed, or another key signed it.',
    ),
};
