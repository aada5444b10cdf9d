import * as E from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { positionOf, type Position, type RecordedEvent } from '../../events/envelope';
import { decodeEvent } from '../../events/index';
import { LogReadError, type EventLog } from '../ports/eventLog';
import { checkEvent, streamState, type Damage, type StreamState } from './checkEvent';
import { createMerkleTree } from './merkle';
import type { LedgerRoot } from './seal';

export type { Check, Damage } from './checkEvent';

export interface VerifyOptions {
  /** Seals that were kept somewhere else; the ledger must still have their roots. */
  readonly published?: readonly LedgerRoot[];
  /** Whether the store numbers its events 1, 2, 3, ... (SQLite, memory) or leaves gaps (KurrentDB). */
  readonly positions?: 'contiguous' | 'growing';
}

/** What `verify` asks of a log. */
export interface Verifiable extends Pick<EventLog, 'head' | 'comparePositions'> {
  readAll(): AsyncIterable<RecordedEvent>;
  readStream(stream: string): AsyncIterable<RecordedEvent>;
}

/** What one pass over the ledger found. */
export interface Verification {
  readonly ok: boolean;
  /** Events that could be read. */
  readonly events: number;
  readonly streams: number;
  /** Seals whose size and root agree. */
  readonly seals: number;
  /** Merkle root over all events; null when not all of them could be read. */
  readonly root: Digest | null;
  readonly firstDamaged: Damage | null;
  /** How many findings there were in all. */
  readonly damaged: number;
  /** The last event before the first damage. */
  readonly lastGood: {
    readonly position: Position;
    readonly stream: string;
    readonly revision: number;
    readonly id: string;
  } | null;
}

const nothing = { stream: null, revision: null, id: null, type: null };

/**
 * The position that follows in a store without gaps; elsewhere a number that at least says where to look. Positions that
 * are no numbers (KurrentDB's `commit/prepare`) or too large to count on from stand for what comes behind them.
 */
const nextOf = (position: Position | undefined): Position => {
  const last = position === undefined ? 0 : Number(position);
  return position === undefined || Number.isSafeInteger(last) ? positionOf(last + 1) : position;
};

/** The sizes at which roots are needed: those that the ledger's own seals name, and those published. */
const sealedSizes = async (log: Verifiable, published: readonly LedgerRoot[]): Promise<Set<number>> => {
  const sizes = new Set(published.map((seal) => seal.size));
  try {
    for await (const event of log.readStream('seals')) {
      const decoded = decodeEvent(event);
      if (E.isRight(decoded) && decoded.right.type === 'LedgerSealed') sizes.add(decoded.right.data.size);
    }
  } catch (failure) {
    // Damage is found and named by the pass itself.
    if (!(failure instanceof LogReadError)) throw failure;
  }
  return sizes;
};

class Findings {
  readonly list: Damage[] = [];
  count = 0;

  add(damage: Damage): void {
    this.count += 1;
    if (this.list.length < 1000) this.list.push(damage);
  }
}

/** Checks every seal event against the roots of this pass, and its link to the seal before it. */
const sealChecker = (roots: ReadonlyMap<number, Digest>) => {
  let previous: { readonly id: string; readonly size: number } | undefined;
  let good = 0;
  const check = (event: RecordedEvent): Damage | undefined => {
    const decoded = decodeEvent(event);
    if (E.isLeft(decoded) || decoded.right.type !== 'LedgerSealed') return undefined;
    const { size, root, previousSeal } = decoded.right.data;
    const { position, stream, revision, id, type } = event;
    const damage = (expected: string, got: string): Damage => {
      return { position, stream, revision, id, type, check: 'seal', expected, got };
    };
    const before = previous;
    previous = { id, size };
    if (previousSeal !== (before?.id ?? null)) return damage(`previousSeal ${before?.id ?? null}`, `${previousSeal}`);
    const found = roots.get(size);
    if (found === undefined) return damage(`at least ${size} events before the seal`, `fewer`);
    const since = before === undefined ? 'the beginning' : `the seal over ${before.size}`;
    if (found !== root) return damage(`root ${root} over the first ${size} events`, `${found}; changed since ${since}`);
    good += 1;
    return undefined;
  };
  return { check, good: () => good };
};

/** Fills in which event a hole in the positions was, once the gap in its stream shows. */
const nameMissing = (findings: Findings, gap: Damage): void => {
  const hole = findings.list.findIndex((damage) => damage.check === 'position' && damage.stream === null);
  const found = findings.list[hole];
  if (found !== undefined && gap.check === 'revision' && gap.stream !== null) {
    findings.list[hole] = { ...found, stream: gap.stream, revision: Number(gap.expected) };
  }
};

/**
 * Reads the whole ledger once and checks everything that it says about itself: positions, revisions, leaf hashes, the
 * chain of each stream, ids against content, data against its codec, streams against definitions, seals, the head.
 * Never throws for damage: the first damaged event is named in the result, also when the store cannot read it. Throws a
 * `LogReadError` when the store does not answer.
 */
export const verify = async (log: Verifiable, options: VerifyOptions = {}): Promise<Verification> => {
  const { published = [], positions = 'contiguous' } = options;
  const findings = new Findings();
  const streams = new Map<string, StreamState>();
  const tree = createMerkleTree();
  const roots = new Map<number, Digest>([[0, tree.root()]]);
  const seals = sealChecker(roots);
  const sizes = await sealedSizes(log, published);
  let lastGood: Verification['lastGood'] = null;
  let lastRead: Position | undefined;
  let complete = true;

  const placeOf = (event: RecordedEvent): Damage | undefined => {
    const { position, stream, revision, id, type } = event;
    const grows = lastRead === undefined || log.comparePositions(lastRead, position) < 0;
    if (!grows) {
      return {
        position,
        stream,
        revision,
        id,
        type,
        check: 'position',
        expected: `more than ${lastRead}`,
        got: position,
      };
    }
    const next = nextOf(lastRead);
    if (positions === 'growing' || next === position) return undefined;
    return {
      ...nothing,
      position: next,
      check: 'position',
      expected: `an event`,
      got: `the next one is at ${position}`,
    };
  };

  const take = (event: RecordedEvent): void => {
    const place = placeOf(event);
    const found = [...(place === undefined ? [] : [place]), ...checkEvent(event, streams.get(event.stream))];
    streams.set(event.stream, streamState(event));
    const sealed = event.type === 'LedgerSealed' ? seals.check(event) : undefined;
    if (sealed !== undefined) found.push(sealed);
    for (const damage of found) {
      nameMissing(findings, damage);
      findings.add(damage);
    }
    const { position, stream, revision, id } = event;
    if (findings.count === 0) lastGood = { position, stream, revision, id };
    tree.append(/^[0-9a-f]{64}$/.test(event.leaf) ? event.leaf : '0'.repeat(64));
    if (sizes.has(tree.size())) roots.set(tree.size(), tree.root());
    lastRead = position;
  };

  const headCheck = async (): Promise<void> => {
    const head = await log.head();
    if (head.size === tree.size() && head.position === lastRead) return;
    const expected = `${head.size} events, the last at position ${head.position ?? 'none'}, as the head says`;
    const got = `${tree.size()} events, the last at position ${lastRead ?? 'none'}`;
    // With fewer events than the head says, the first one missing is the one behind the last one read.
    const position = tree.size() < head.size || lastRead === undefined ? nextOf(lastRead) : lastRead;
    findings.add({ ...nothing, position, check: 'head', expected, got });
  };

  try {
    for await (const event of log.readAll()) take(event);
    await headCheck();
  } catch (failure) {
    // A store that does not answer says nothing about its events.
    if (!(failure instanceof LogReadError) || failure.reason.tag === 'Unavailable') throw failure;
    complete = false;
    const at = failure.at ?? { ...nothing, position: nextOf(lastRead) };
    findings.add({ type: null, ...at, check: 'read', expected: 'a readable event', got: failure.message });
  }
  for (const { size, root } of published) {
    const found = roots.get(size);
    if (found === root) continue;
    const expected = `root ${root} over the first ${size} events, as published`;
    findings.add({
      ...nothing,
      position: lastRead ?? nextOf(undefined),
      check: 'published',
      expected,
      got: found ?? 'fewer events',
    });
  }
  return {
    ok: findings.count === 0,
    events: tree.size(),
    streams: streams.size,
    seals: seals.good(),
    root: complete ? tree.root() : null,
    firstDamaged: firstOf(findings.list, log),
    damaged: findings.count,
    lastGood,
  };
};

/** An event is named before the summary of what it spoils, and a lower position before a higher one. */
const firstOf = (found: readonly Damage[], log: Verifiable): Damage | null => {
  const named = found.filter(
    (damage) => damage.check !== 'seal' && damage.check !== 'head' && damage.check !== 'published',
  );
  const sorted = [...(named.length > 0 ? named : found)].sort((a, b) => log.comparePositions(a.position, b.position));
  return sorted[0] ?? null;
};
