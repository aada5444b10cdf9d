import * as E from 'fp-ts/Either';
import { claimEnded } from '../../events/claimEnded';
import { claimKept } from '../../events/claimKept';
import type { NewEvent } from '../../events/envelope';
import { decodeEvent, type DecodeError } from '../../events/index';
import { workClaimed } from '../../events/workClaimed';
import type { AppendError, EventLog, ExpectedRevision } from '../ports/eventLog';
import { Claims } from './claims';

/** Two clocks, in milliseconds: one that only goes forward, and the calendar's, which also runs while a machine sleeps. */
export interface Time {
  readonly steady: number;
  readonly wall: number;
}

/** What sharing needs of the process it is in. */
export interface SharePorts {
  /** A name that no other collector has or ever had. */
  readonly claimant: string;
  readonly now: () => Time;
  /** Resolves after so many milliseconds, or when the signal aborts. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** How long a collector that is not heard of keeps its claim. */
  readonly leaseSeconds: number;
}

type ShareError = AppendError | DecodeError;

export type Next<Item> =
  | { readonly kind: 'work'; readonly items: readonly Item[] }
  /** Every trajectory has been collected, by whomever. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'aborted' };

/** Longest pause before looking again whether others are done. */
const longestPause = 1000;

/**
 * One process's part in shared work: a collection, or an ablation. Who works on what is decided by expected revision on one stream,
 * `claims-<workId>`: a claim is appended behind everything its claimant has read, so of two that claim at the same
 * moment one is refused, reads on, and takes other work. The trajectories' own streams hold nothing of it: they are the
 * same events, at the same revisions, as if one process had collected them all.
 *
 * Work is claimed by the student's batch: one event a batch instead of one a trajectory, and the end of one claim goes in
 * with the next. A claim that takes longer than a third of its lease is kept alive by further events. A claim whose
 * holder has died lapses, and is taken over with whatever calls are on the ledger already. A holder that was only slow
 * (asleep, stopped) finds out before its next call, and gives way; what it still appends is refused or, where it is
 * first, used by the one who took over.
 */
export class Share<Item> {
  private readonly claims = new Claims();
  private readonly stream: string;
  private expected: ExpectedRevision = 'noStream';
  private made = 0;
  private held: { readonly claim: number; readonly name: string; since: Time; beats: number } | undefined;
  private ended: NewEvent[] = [];
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly log: EventLog,
    private readonly workId: string,
    private readonly ports: SharePorts,
    private readonly signal: AbortSignal,
  ) {
    this.stream = `claims-${workId}`;
  }

  private get meta() {
    return { correlation: this.workId };
  }

  private get lease(): number {
    return this.ports.leaseSeconds * 1000;
  }

  /** One after another: heartbeats come in the middle of other work. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async read(): Promise<E.Either<DecodeError, void>> {
    const from = this.expected === 'noStream' ? 0 : this.expected + 1;
    for await (const recorded of this.log.readStream(this.stream, { from })) {
      const decoded = decodeEvent(recorded);
      if (E.isLeft(decoded)) return decoded;
      this.claims.apply(decoded.right, this.ports.now().steady);
      this.expected = recorded.revision;
    }
    return E.right(undefined);
  }

  /** Appends what `make` makes of everything read so far; reads on and makes it anew when others were faster. */
  private async append(make: () => readonly NewEvent[]): Promise<E.Either<ShareError, boolean>> {
    for (;;) {
      const events = make();
      if (events.length === 0) return E.right(false);
      const appended = await this.log.append(this.stream, this.expected, events)();
      if (E.isLeft(appended) && appended.left.tag !== 'WrongExpectedRevision') return appended;
      // Our own events are read back like everybody's.
      const read = await this.read();
      if (E.isLeft(read)) return read;
      if (E.isRight(appended)) return E.right(true);
    }
  }

  /** Claims up to `size` of the items that nobody has; waits while others have all that is left. */
  next(items: readonly Item[], size: number, idOf: (item: Item) => string): Promise<E.Either<ShareError, Next<Item>>> {
    return this.inTurn(() => this.claimNext(items, size, idOf));
  }

  private async claimNext(
    items: readonly Item[],
    size: number,
    idOf: (item: Item) => string,
  ): Promise<E.Either<ShareError, Next<Item>>> {
    const { ports, workId, signal } = this;
    const { claimant, leaseSeconds } = ports;
    let open = items;
    const read = await this.read();
    if (E.isLeft(read)) return read;
    for (;;) {
      let taken: readonly Item[] = [];
      let since = ports.now();
      const appended = await this.append(() => {
        since = ports.now();
        const stopped = signal.aborted ? [] : open;
        taken = stopped.filter((item) => this.claims.isFree(idOf(item), since.steady)).slice(0, size);
        const data = { workId, claimant, claim: this.made, items: taken.map(idOf), leaseSeconds };
        return [...this.ended, ...(taken.length === 0 ? [] : [workClaimed.create(data, this.meta)])];
      });
      if (E.isLeft(appended)) return appended;
      this.ended = [];
      if (taken.length > 0) {
        const claim = this.made++;
        this.held = { claim, name: Claims.nameOf(claimant, claim), since, beats: 0 };
        return E.right({ kind: 'work', items: taken });
      }
      if (signal.aborted) return E.right({ kind: 'aborted' });
      open = open.filter((item) => !this.claims.isDone(idOf(item)));
      if (open.length === 0) return E.right({ kind: 'nothing' });
      await ports.pause(Math.min(longestPause, this.lease / 4), signal);
      const again = await this.read();
      if (E.isLeft(again)) return again;
    }
  }

  /** Begins the lease anew, unless the claim has been taken over. */
  private async keep(): Promise<E.Either<ShareError, boolean>> {
    const { held, workId } = this;
    if (held === undefined) return E.right(false);
    let since = this.ports.now();
    const { claimant } = this.ports;
    const kept = await this.append(() => {
      since = this.ports.now();
      const { claim, beats: beat } = held;
      return this.claims.holds(held.name) ? [claimKept.create({ workId, claimant, claim, beat }, this.meta)] : [];
    });
    if (E.isRight(kept) && kept.right) Object.assign(held, { since, beats: held.beats + 1 });
    return kept;
  }

  private age(): number {
    const now = this.ports.now();
    const since = this.held?.since ?? now;
    return Math.max(now.steady - since.steady, now.wall - since.wall);
  }

  /** Whether the claim is held, for sure, for as long again as half its lease. To be asked before every call. */
  holds(): Promise<E.Either<ShareError, boolean>> {
    return this.inTurn(async () => (this.age() < this.lease / 2 ? E.right(this.held !== undefined) : this.keep()));
  }

  /** Whether the claim is held by what the ledger says now. */
  check(): Promise<E.Either<ShareError, boolean>> {
    return this.inTurn(async () => {
      const read = await this.read();
      if (E.isLeft(read)) return read;
      return E.right(this.held !== undefined && this.claims.holds(this.held.name));
    });
  }

  /** Keeps the claim until `over` aborts; resolves earlier, with false or an error, when it is lost. */
  async keepUntil(over: AbortSignal): Promise<E.Either<ShareError, boolean>> {
    for (;;) {
      await this.ports.pause(this.lease / 3, over);
      if (over.aborted) return E.right(true);
      const kept = await this.inTurn(() => this.keep());
      if (E.isLeft(kept) || !kept.right) return kept;
    }
  }

  /** The claim's trajectories are closed. Goes onto the ledger with the next claim. */
  finish(): void {
    this.end(true);
  }

  private end(done: boolean): void {
    const { held, workId } = this;
    const { claimant } = this.ports;
    if (held === undefined) return;
    this.ended = [claimEnded.create({ workId, claimant, claim: held.claim, done }, this.meta)];
    this.held = undefined;
  }

  /** The claim belongs to somebody else now. */
  forget(): void {
    this.held = undefined;
  }

  /** Gives back what is claimed, so that nobody has to wait for it. */
  giveBack(): Promise<E.Either<ShareError, void>> {
    return this.inTurn(async () => {
      this.end(false);
      const appended = await this.append(() => this.ended);
      this.ended = [];
      return E.isLeft(appended) ? appended : E.right(undefined);
    });
  }
}
