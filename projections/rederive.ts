import * as E from 'fp-ts/Either';
import type { DatasetDerived } from '../events/datasetDerived';
import type { Digest } from '../events/digest';
import type { LedgerEvent } from '../events/index';
import { deriveDataset, type Derived, type DeriveOptions } from './deriveDataset';
import { missingRule } from './policies/customRules';
import { Policy } from './policies/policy';
import { project } from './projection';
import { trajectories } from './trajectories';
import type { Trajectories } from './trajectory';

/** A tokenizer that may have counted a dataset's rows. */
export interface Counter {
  readonly tokenizer: Digest;
  readonly countTokens: NonNullable<DeriveOptions['countTokens']>;
}

/** What a derivation needs to be made again: the ledger as it was, and all that was asked. */
export interface Derivation {
  readonly all: Trajectories;
  readonly policy: Policy;
  readonly options: DeriveOptions;
}

/** A dataset made again from the events alone. */
export interface Rederived extends Derivation {
  readonly derived: Derived;
  /** Whether rows and decisions are the recorded ones, to the byte. */
  readonly isExact: boolean;
}

const tryWith = (
  all: Trajectories,
  policy: Policy,
  { scope, seed, ledger, dataset, decisions }: DatasetDerived,
  problemSet: string | null,
  counter: Counter | undefined,
): Rederived => {
  const options: DeriveOptions = {
    seed,
    ledger,
    scope: { ...scope, problemSet },
    ...counter,
  };
  const derived = deriveDataset(all, policy, options);
  const isExact = derived.manifest.dataset === dataset && derived.manifest.decisions === decisions;
  return { all, policy, options, derived, isExact };
};

/**
 * Makes a recorded dataset again from the events before it (of trajectories, those in its scope are enough) and the policy
 * that its event holds. An event of version 1 does
 * not say which problem set gold came from, nor whose tokens were counted: what gives the recorded rows and decisions to the
 * byte is it. Without such a one the first that can be derived is given, and is not exact. Left: why nothing can be.
 */
export const rederive = (
  before: Iterable<LedgerEvent>,
  recorded: DatasetDerived,
  counters: readonly Counter[] = [],
): E.Either<string, Rederived> => {
  const policy = Policy.decode(recorded.policy.document);
  if (E.isLeft(policy))
    return E.left(`this version does not read its policy: ${policy.left[0]?.message ?? 'not a policy'}`);
  const lacking = missingRule(policy.right);
  if (lacking !== undefined)
    return E.left(
      `its policy has the rule ${lacking.rule} of the module ${lacking.module}, which is not at hand: name it with --rules`,
    );
  const counts = policy.right.admit.maxTokens !== null;
  const named = counters.filter(({ tokenizer }) => recorded.tokenizer === null || tokenizer === recorded.tokenizer);
  if (counts && named.length === 0)
    return E.left('its policy counts tokens, and no tokenizer of this ledger is at hand');
  const all = project(trajectories, before);
  const { problemSet } = recorded.scope;
  const sets = problemSet === null ? [null, ...new Set(all.problems.map(({ problem }) => problem.set))] : [problemSet];
  let first: Rederived | undefined;
  for (const counter of counts ? named : [undefined])
    for (const set of sets) {
      const made = tryWith(all, policy.right, recorded, set, counter);
      if (made.isExact) return E.right(made);
      first ??= made;
    }
  return first === undefined ? E.left('it cannot be derived') : E.right(first);
};
