import type { Digest } from '../events/digest';
import { changed } from './policies/change';
import { policyDigest, type Policy } from './policies/policy';
import type { Change } from './policies/rule';
import type { Derivation } from './rederive';
import type { Decision } from './replayDataset';
import { findingsOn, ownerOf, watched, type Watched } from './watched';

/** How a candidate can be let in. Every change that is proposed has been derived with. */
export type Proposal =
  /** It is in. */
  | { readonly kind: 'none' }
  /** The fewest settings; with them `rows` rows of it are in. */
  | { readonly kind: 'change'; readonly changes: readonly Change[]; readonly rows: number }
  | { readonly kind: 'impossible'; readonly because: string };

/** Settings that one proposal changes at most, and policies that are derived with in one search. */
const most = { settings: 4, derivations: 48 } as const;

/** Decisions on what a candidate is, or became, under another policy. */
const related = (decision: Decision, decisions: readonly Decision[]): readonly Decision[] => {
  const own = decisions.filter(({ candidateId }) => candidateId === decision.candidateId);
  if (own.length > 0) return own;
  const owner = ownerOf(decision);
  return decisions.filter((each) => ownerOf(each) === owner);
};

/** Rows of it that are in: the row itself where it is one, else any row of its trajectory or problem. */
const rowsIn = (decision: Decision, decisions: readonly Decision[]): number => {
  const isRow = decision.kind !== 'trajectory' && decisions.some((d) => d.candidateId === decision.candidateId);
  return related(decision, decisions).filter(
    (each) => each.kept && (!isRow || each.candidateId === decision.candidateId),
  ).length;
};

/** Two lists of changes as one: what is changed twice ends where the second puts it. */
const together = (before: readonly Change[], { setting, from, to }: Change): readonly Change[] => {
  const known = before.some((each) => each.setting === setting);
  return known
    ? before.map((each) => (each.setting === setting ? { ...each, to } : each))
    : [...before, { setting, from, to }];
};

/** Searches changes of one policy that let candidates in; what was derived with once serves every candidate. */
export class ChangeSearch {
  private readonly tried: Map<Digest, Watched>;

  constructor(
    private readonly derivation: Derivation,
    private readonly owners: ReadonlySet<string>,
    /** What the policy as it is says. */
    asItIs: Watched,
  ) {
    this.tried = new Map([[policyDigest(derivation.policy), asItIs]]);
  }

  private deriveWith(policy: Policy): Watched | undefined {
    const digest = policyDigest(policy);
    const known = this.tried.get(digest);
    if (known !== undefined) return known;
    if (this.tried.size >= most.derivations) return undefined;
    const made = watched({ ...this.derivation, policy }, this.owners, false);
    this.tried.set(digest, made);
    return made;
  }

  /**
   * The fewest settings that let a candidate in, of those that the rules in its way read: breadth first, so one setting
   * is proposed where one does. A rule's least change is tried first; each step is derived with before the next.
   */
  smallest(decision: Decision): Proposal {
    if (decision.kept) return { kind: 'none' };
    const seen = new Set<Digest>();
    const read = new Set<string>();
    let level: readonly (readonly Change[])[] = [[]];
    for (let depth = 0; depth <= most.settings && level.length > 0; depth++) {
      const next: (readonly Change[])[] = [];
      for (const changes of level) {
        const policy = changed(this.derivation.policy, changes);
        if (policy === undefined || seen.has(policyDigest(policy))) continue;
        seen.add(policyDigest(policy));
        const made = this.deriveWith(policy);
        if (made === undefined)
          return { kind: 'impossible', because: `no change was found among ${most.derivations} policies derived with` };
        const { decisions } = made.derived;
        const rows = rowsIn(decision, decisions);
        if (rows > 0) return { kind: 'change', changes, rows };
        for (const each of related(decision, decisions))
          for (const { status, verdict, settings } of findingsOn(each, made)) {
            if (status !== 'failed' || verdict?.passed !== false) continue;
            for (const setting of settings) read.add(setting);
            for (const remedy of verdict.remedies()) next.push(together(changes, remedy));
          }
      }
      level = next;
    }
    const because =
      read.size === 0
        ? `no setting of a policy changes what ${decision.rule} says of it`
        : `no change of ${[...read].sort().join(', ')} was found that lets it in`;
    return { kind: 'impossible', because };
  }
}
