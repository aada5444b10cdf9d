import * as E from 'fp-ts/Either';
import type { DatasetDerived } from '../../events/datasetDerived';
import { canonicalJson } from '../../events/digest';
import type { StoredEvent } from '../../events/envelope';
import { decodeStored, type DecodeError, type EventType, type LedgerEvent } from '../../events/index';
import { judgedTypes } from '../../projections/compact/trajectoryStore';
import { Policy } from '../../projections/policies/policy';
import { inScope, type Scope } from '../../projections/policies/scope';
import { project, pushTo } from '../../projections/projection';
import { trajectories } from '../../projections/trajectories';
import type { JudgedLedger, Place } from '../../projections/trajectory';
import type { EventLog } from '../ports/eventLog';

/** Events of which a ledger has most, and of which a question is about few. */
const ofTrajectories = [...judgedTypes, 'TurnRefused'] as const satisfies readonly EventType[];

const many: ReadonlySet<string> = new Set(ofTrajectories);

/** Whether an event is kept at hand: all are, but those of trajectories, which are read again where they are asked for. */
export const isAtHand = ({ type }: { readonly type: string }): boolean => !many.has(type);

/** Where an event puts its trajectory; undefined: it does not say. */
export const placeIn = ({ type, data }: LedgerEvent): Place | undefined =>
  type === 'GenerationProduced' || type === 'CallFailed' || type === 'TrajectoryClosed' ? data : undefined;

/** Keeps the events of the trajectories in scope; an event that comes before its trajectory's place is known waits for it. */
class Sieve {
  private readonly kept: LedgerEvent[] = [];
  private readonly isIn = new Map<string, boolean>();
  private readonly waiting = new Map<string, LedgerEvent[]>();
  private disordered = false;

  constructor(private readonly accepts: (place: Place | null) => boolean) {}

  /** Decodes no event of a trajectory that is known to be outside. */
  take(stored: StoredEvent): DecodeError | undefined {
    const { stream } = stored;
    const known = this.isIn.get(stream);
    if (known === false) return undefined;
    const decoded = decodeStored(stored);
    if (E.isLeft(decoded)) return decoded.left;
    if (known === true) {
      this.kept.push(decoded.right);
      return undefined;
    }
    pushTo(this.waiting, stream, decoded.right);
    const place = placeIn(decoded.right);
    if (place === undefined) return undefined;
    const isIn = this.accepts(place);
    this.isIn.set(stream, isIn);
    if (isIn) this.keep(this.waiting.get(stream) ?? []);
    this.waiting.delete(stream);
    return undefined;
  }

  private keep(events: readonly LedgerEvent[]): void {
    this.disordered ||= events.length > 1;
    this.kept.push(...events);
  }

  /** What was kept, in the order of the ledger. Trajectories of which no event says where they are come with no place. */
  events(compare: EventLog['comparePositions']): readonly LedgerEvent[] {
    if (this.accepts(null) && this.waiting.size > 0) {
      this.disordered = true;
      for (const before of this.waiting.values()) this.keep(before);
    }
    return this.disordered ? this.kept.sort((a, b) => compare(a.position, b.position)) : this.kept;
  }
}

/**
 * A ledger for questions about what was derived from it. Its few events are at hand; of trajectories only those are read
 * that a derivation looks at, once for each part of the ledger that is asked about.
 */
export class Past {
  private readonly read = new Map<string, Promise<E.Either<DecodeError, readonly LedgerEvent[]>>>();
  private readonly started: Pick<JudgedLedger, 'iterations'>;

  constructor(
    private readonly log: EventLog,
    /** All events that are kept at hand (isAtHand), in the order of the ledger. */
    readonly events: readonly LedgerEvent[],
  ) {
    this.started = project(trajectories, events);
  }

  /** What a derivation in this scope looks at, of the first `size` events: all that is at hand, and the trajectories in scope. */
  async about(
    scope: Partial<Scope>,
    through: boolean,
    size = Number.POSITIVE_INFINITY,
  ): Promise<E.Either<DecodeError, readonly LedgerEvent[]>> {
    const whole: Scope = { runId: null, iteration: null, problemSet: null, ...scope };
    const { collections, accepts } = inScope(this.started, whole, through);
    const key = canonicalJson(collections === null ? [whole.iteration, through] : [...collections].sort());
    const found = this.read.get(key) ?? this.sift(accepts);
    this.read.set(key, found);
    const own = await found;
    if (E.isLeft(own)) return own;
    const before = ({ position }: LedgerEvent): boolean => Number(position) <= size;
    return E.right([...this.events.filter((event) => isAtHand(event) && before(event)), ...own.right.filter(before)]);
  }

  /** What a recorded derivation looked at. A policy that this version does not read may have looked at all iterations so far. */
  before({ scope, ledger, policy }: DatasetDerived): Promise<E.Either<DecodeError, readonly LedgerEvent[]>> {
    const known = Policy.decode(policy.document);
    const through = E.isLeft(known) || known.right.select.iterations === 'through';
    return this.about(scope, through, ledger.size);
  }

  private async sift(
    accepts: (place: Place | null) => boolean,
  ): Promise<E.Either<DecodeError, readonly LedgerEvent[]>> {
    const sieve = new Sieve(accepts);
    for await (const page of this.log.readPages({ filter: { types: ofTrajectories } }))
      for (const stored of page) {
        const failed = sieve.take(stored);
        if (failed !== undefined) return E.left(failed);
      }
    return E.right(sieve.events((a, b) => this.log.comparePositions(a, b)));
  }
}
