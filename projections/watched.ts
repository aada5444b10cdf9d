import { deriveDataset, type Derived } from './deriveDataset';
import type { RuleFinding } from './policies/rule';
import type { Derivation } from './rederive';
import type { Decision } from './replayDataset';

/** Where a decision's candidate comes from: its trajectory, or the posed problem of a gold rationale. */
export const ownerOf = ({ trajectoryId, eventIds }: Decision): string => trajectoryId ?? eventIds[0] ?? '';

/** A dataset, and what every rule said of what came of its owners: by candidate key, in the order of the rules. */
export interface Watched {
  readonly derived: Derived;
  readonly findings: ReadonlyMap<string, readonly RuleFinding[]>;
}

/** Derives again, watching what comes of these owners; `beyond`: with what rules that are not reached would have said. */
export const watched = (
  { all, policy, options }: Derivation,
  owners: ReadonlySet<string>,
  beyond: boolean,
): Watched => {
  const findings = new Map<string, RuleFinding[]>();
  const found = (key: string, finding: RuleFinding): void => {
    const known = findings.get(key);
    if (known === undefined) findings.set(key, [finding]);
    else if (!known.some(({ rule }) => rule === finding.rule)) known.push(finding);
  };
  const watch = { isWatched: (key: string) => owners.has(key), found, beyond };
  return { derived: deriveDataset(all, policy, { ...options, watch }), findings };
};

/** What the rules said of one candidate: those over its trajectory or problem, then those over it as a row. */
export const findingsOn = (decision: Decision, { findings }: Watched): readonly RuleFinding[] => [
  ...(findings.get(ownerOf(decision)) ?? []),
  ...(findings.get(decision.candidateId) ?? []),
];
