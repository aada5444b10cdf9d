import * as E from 'fp-ts/Either';
import type { DatasetDerived } from '../../events/datasetDerived';
import type { Digest } from '../../events/digest';
import { missingRule } from '../../projections/policies/customRules';
import { Policy, policyDigest } from '../../projections/policies/policy';
import { Manifest } from '../../projections/replayDataset';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { Tokenizer } from '../train/tokenizer';
import { derive, type DeriveError } from './derive';

/** A dataset, and the one that the ledger gives now under the same policy, scope and seed. */
export interface Successor {
  readonly before: { readonly dataset: Digest; readonly rows: number };
  /** The same dataset where nothing that the ledger has got since changes it. */
  readonly after: { readonly dataset: Digest; readonly rows: number };
  readonly policy: string;
  readonly scope: Manifest['scope'];
  readonly seed: number;
}

/** A dataset that could not be derived again, and why. */
export interface NoSuccessor {
  readonly dataset: Digest;
  readonly reason: string;
}

const readManifest = async (blobs: BlobStore, digest: Digest): Promise<E.Either<DeriveError, Manifest>> => {
  const bytes = await blobs.get(digest)();
  if (E.isLeft(bytes)) return bytes;
  const unreadable: DeriveError = { tag: 'DatasetUnreadable', dataset: digest, message: 'it is no manifest' };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.right));
  } catch {
    return E.left(unreadable);
  }
  return E.mapLeft(() => unreadable)(Manifest.decode(json));
};

/**
 * Derives a dataset once more from the ledger as it is now: what has been retracted since is left out. No model is called.
 * `tokenizerOf` finds the tokenizer that counted, for a policy with a limit in tokens.
 */
export const deriveSuccessor = async (
  { dataset, rows, policy, seed, manifest }: DatasetDerived,
  ports: { readonly log: EventLog; readonly blobs: BlobStore },
  tokenizerOf: (digest: Digest) => Promise<Tokenizer | undefined>,
): Promise<E.Either<DeriveError, Successor | NoSuccessor>> => {
  const old = await readManifest(ports.blobs, manifest);
  if (E.isLeft(old)) return old;
  const { scope, tokenizer: counted } = old.right;
  const document = Policy.decode(policy.document);
  if (E.isLeft(document) || policyDigest(document.right) !== policy.digest)
    return E.right({ dataset, reason: `its policy ${policy.name} is of another version of the policy language` });
  const lacking = missingRule(document.right);
  if (lacking !== undefined)
    return E.right({
      dataset,
      reason: `its policy has the rule ${lacking.rule} of the module ${lacking.module}, which is not at hand: name it with --rules`,
    });
  const tokenizer = counted === null ? undefined : await tokenizerOf(counted);
  if (counted !== null && tokenizer === undefined)
    return E.right({
      dataset,
      reason: `the tokenizer ${counted} that counted its rows is in no checkpoint of this ledger`,
    });
  const request = { policy: document.right, seed, scope, ...(tokenizer && { tokenizer }) };
  const derived = await derive(request, ports);
  if (E.isLeft(derived)) return derived;
  const { event } = derived.right;
  const after = { dataset: event.dataset, rows: event.rows };
  return E.right({ before: { dataset, rows }, after, policy: policy.name, scope, seed });
};
