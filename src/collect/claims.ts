import type { LedgerEvent } from '../../events/index';

/** One claim as it stands. */
interface Claim {
  readonly name: string;
  readonly leaseMilliseconds: number;
  /** When this process learnt of the claim's last sign of life. */
  heard: number;
}

/**
 * Who works on which trajectory, folded from a collection's claims stream. A claim lapses by the reader's own clock,
 * counted from when it read the last sign of life: no two machines' clocks are compared, and a claim is never taken for
 * lapsed before its lease is over. Times are milliseconds of one clock that only goes forward.
 */
export class Claims {
  private readonly owners = new Map<string, Claim>();
  private readonly done = new Set<string>();
  private readonly claims = new Map<string, { readonly claim: Claim; readonly items: readonly string[] }>();

  static nameOf(claimant: string, claim: number): string {
    return `${claimant}/${claim}`;
  }

  /** Takes an event in, read at `now`. Events of other types are passed over. */
  apply(event: Pick<LedgerEvent, 'type' | 'data'>, now: number): void {
    if (!isClaimEvent(event)) return;
    const name = Claims.nameOf(event.data.claimant, event.data.claim);
    if (event.type === 'WorkClaimed') {
      const { items, leaseSeconds } = event.data;
      const claim: Claim = { name, leaseMilliseconds: leaseSeconds * 1000, heard: now };
      this.claims.set(name, { claim, items });
      for (const id of items) this.owners.set(id, claim);
      return;
    }
    const known = this.claims.get(name);
    if (known === undefined) return;
    if (event.type === 'ClaimKept') {
      known.claim.heard = now;
      return;
    }
    this.claims.delete(name);
    for (const id of known.items) {
      if (this.owners.get(id) !== known.claim) continue;
      this.owners.delete(id);
      if (event.data.done) this.done.add(id);
    }
  }

  isDone(trajectoryId: string): boolean {
    return this.done.has(trajectoryId);
  }

  /** Nobody has it, or who had it has not been heard of for the whole of its lease. */
  isFree(trajectoryId: string, now: number): boolean {
    if (this.done.has(trajectoryId)) return false;
    const owner = this.owners.get(trajectoryId);
    return owner === undefined || now - owner.heard > owner.leaseMilliseconds;
  }

  /** Whether a claim still has all that it was made for. */
  holds(name: string): boolean {
    const known = this.claims.get(name);
    return known !== undefined && known.items.every((id) => this.owners.get(id) === known.claim);
  }
}

type ClaimEvent = Extract<LedgerEvent, { readonly type: 'WorkClaimed' | 'ClaimKept' | 'ClaimEnded' }>;

const isClaimEvent = (event: Pick<LedgerEvent, 'type' | 'data'>): event is ClaimEvent =>
  event.type === 'WorkClaimed' || event.type === 'ClaimKept' || event.type === 'ClaimEnded';
