import * as E from 'fp-ts/Either';
import type { CallFailed } from '../../events/callFailed';
import type { Digest } from '../../events/digest';
import type { GenerationProduced } from '../../events/generationProduced';
import { decodeEvent, type DecodeError } from '../../events/index';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import { differencesOf, distanceOf, readParts, type Difference, type FlatParts } from './callIdentity';
import { isLasting } from './lastingFailure';

/** A ledger that calls are answered from, and where its bodies lie. */
export interface Source {
  readonly log: EventLog;
  readonly blobs: BlobStore;
}

export interface RecordedCall {
  readonly generationId: string;
  readonly data: GenerationProduced;
  readonly source: Source;
}

/** A call that was given up for a reason that would come again. */
export interface RecordedFailure {
  readonly eventId: string;
  readonly data: CallFailed;
  readonly source: Source;
}

export interface NearestCall {
  readonly generationId: string;
  readonly callKey: Digest;
  readonly differences: readonly Difference[];
}

interface Place {
  readonly generationId: string;
  readonly source: Source;
}

/**
 * Which calls have been answered, by their identity. Holds ids only: a text is read from the ledger when it is wanted, so
 * memory grows by some tens of bytes a call.
 */
export class CallBook {
  private readonly places = new Map<Digest, Place>();
  private readonly failures = new Map<Digest, Place>();

  /** The calls of some ledgers, the first that has one gives it. What was retracted is not used again. */
  static async read(sources: readonly Source[]): Promise<E.Either<DecodeError, CallBook>> {
    const book = new CallBook();
    for (const source of sources) {
      const retracted = new Set<string>();
      const found: (readonly [Digest, string])[] = [];
      const copies: (readonly [Digest, string])[] = [];
      const filter = { types: ['GenerationProduced', 'CallFailed', 'EventRetracted'] };
      for await (const recorded of source.log.readAll({ filter })) {
        const event = decodeEvent(recorded);
        if (E.isLeft(event)) return event;
        if (event.right.type === 'EventRetracted') retracted.add(event.right.data.eventId);
        if (event.right.type !== 'GenerationProduced' && event.right.type !== 'CallFailed') continue;
        const { callKey, reusedFrom } = event.right.data;
        if (callKey === null) continue;
        const { type, id: generationId } = event.right;
        if (type === 'GenerationProduced') (reusedFrom === null ? found : copies).push([callKey, generationId]);
        else if (event.right.data.final && isLasting(event.right.data.kind) && !book.failures.has(callKey))
          book.failures.set(callKey, { generationId, source });
      }
      // A copy whose original is in another ledger gives its text as well.
      for (const [key, generationId] of [...found, ...copies])
        if (!retracted.has(generationId)) book.note(key, generationId, source);
    }
    return E.right(book);
  }

  /** The first answer to a call stays its answer. */
  note(key: Digest, generationId: string, source: Source): void {
    if (!this.places.has(key)) this.places.set(key, { generationId, source });
  }

  has(key: Digest): boolean {
    return this.places.has(key);
  }

  get size(): number {
    return this.places.size;
  }

  async find(key: Digest): Promise<RecordedCall | undefined> {
    const place = this.places.get(key);
    if (place === undefined) return undefined;
    const recorded = await place.source.log.readEvent(place.generationId);
    const event = recorded === undefined ? undefined : decodeEvent(recorded);
    if (event === undefined || E.isLeft(event) || event.right.type !== 'GenerationProduced') return undefined;
    return { ...place, data: event.right.data };
  }

  async findFailed(key: Digest): Promise<RecordedFailure | undefined> {
    const place = this.failures.get(key);
    const recorded = await place?.source.log.readEvent(place.generationId);
    const event = recorded === undefined ? undefined : decodeEvent(recorded);
    if (place === undefined || event === undefined || E.isLeft(event) || event.right.type !== 'CallFailed')
      return undefined;
    return { eventId: place.generationId, data: event.right.data, source: place.source };
  }

  /** The recorded call that differs least from the one that was asked for; undefined where none is recorded. */
  async nearest(parts: FlatParts, most = 20_000): Promise<NearestCall | undefined> {
    let best: (NearestCall & { readonly distance: number }) | undefined;
    let looked = 0;
    for (const [callKey, { generationId, source }] of this.places) {
      if (looked++ >= most || best?.distance === 0) break;
      const bytes = await source.blobs.get(callKey)();
      const there = E.isRight(bytes) ? readParts(bytes.right) : undefined;
      if (there === undefined) continue;
      const differences = differencesOf(parts, there);
      const distance = distanceOf(differences);
      if (best === undefined || distance < best.distance) best = { generationId, callKey, differences, distance };
    }
    return best;
  }
}
