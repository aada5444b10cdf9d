import * as E from 'fp-ts/Either';
import { callFailed } from '../../events/callFailed';
import type { Author } from '../../events/codecs';
import type { Digest, Json } from '../../events/digest';
import {
  generationProduced,
  type GenerationProduced,
  type Purpose,
  type Sampling,
} from '../../events/generationProduced';
import type { LedgerEvent } from '../../events/index';
import { findKey } from '../../events/secrets';
import type { DrawKey } from '../../projections/random';
import type { OpenStream } from '../ledger/openStream';
import type { BlobStore } from '../ports/blobStore';
import type { AppendError } from '../ports/eventLog';
import type { FailureKind } from '../ports/endpoint';
import type { Completion, LanguageModel, ModelError, Prompt } from '../ports/languageModel';
import type { CallBook, RecordedCall, RecordedFailure, Source } from './callBook';
import { callFacts, failedCall, observedOf } from './callFacts';
import { callBytes, callKeyOf, flatParts, type CallParts } from './callIdentity';
import { isLasting } from './lastingFailure';

export interface Question {
  readonly purpose: Purpose;
  readonly prompt: Prompt;
  readonly sampling: Sampling;
  /** Which sample: see CallParts. */
  readonly sample: Json;
  readonly seedKey: DrawKey;
}

/** Whose trajectory a call belongs to. */
export type CallPlaceOf = Pick<
  GenerationProduced,
  'collectionId' | 'iteration' | 'pass' | 'problemId' | 'trajectoryId'
>;

export type CallerError = ModelError | AppendError;

/** What a call gave: a recorded text, or why there is none and will be none however often it is asked. */
export type Told =
  | { readonly told: true; readonly generationId: string; readonly data: GenerationProduced; readonly from: From }
  | { readonly told: false; readonly kind: FailureKind; readonly message: string };

/** `made`: a call; `reused`: another place of the ledger had its answer; `found`: this very trajectory had it. */
export type From = 'made' | 'reused' | 'found';

export interface CallerPorts {
  readonly model: LanguageModel;
  readonly author: Author;
  /** False: nothing is asked, only what is recorded is given. */
  readonly live: boolean;
  readonly book: CallBook;
  /** Access keys in use, which nothing that is kept may hold. */
  readonly secrets: readonly string[];
  /** The ledger that is written, as a source for later calls. */
  readonly source: Source;
  readonly signal: AbortSignal;
}

const lastingFault = (fault: ModelError): { readonly kind: FailureKind; readonly message: string } | undefined => {
  if (fault.tag === 'PromptTooLong') return { kind: 'too-long', message: 'the prompt does not fit the model' };
  if (fault.tag === 'CallGivenUp' && isLasting(fault.kind)) return { kind: fault.kind, message: fault.message };
  return undefined;
};

const lastMessage = (prompt: Prompt): string => (typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? ''));

/** An attempt's text begins on a new line; a conversation's answer is a message of its own. */
const textFor = ({ kind }: Purpose, text: string): string =>
  (kind === 'attempt' || kind === 'evaluation') && !text.startsWith('\n') ? `\n${text}` : text;

/**
 * Asks one served model on behalf of trajectories, and never twice for the same: an answer that any ledger at hand has is
 * used again. Every answer, and every attempt that failed, is an event before it is used.
 */
export class Caller {
  constructor(readonly ports: CallerPorts) {}

  partsOf({ prompt, sampling, sample }: Question): CallParts {
    return { model: this.ports.model.ref, prompt, sampling, stop: [], sample };
  }

  private data(
    place: CallPlaceOf,
    call: number,
    question: Question,
    key: Digest,
  ): Omit<
    GenerationProduced,
    'text' | 'tokenIds' | 'logprobs' | 'finish' | 'usage' | 'price' | 'served' | 'reusedFrom' | 'repeated'
  > {
    const { prompt, sampling, seedKey, purpose } = question;
    const { author, model } = this.ports;
    const said = { ...place, call, author, model: model.ref, prompt: lastMessage(prompt), sampling };
    return { ...said, seedKey: [...seedKey], purpose, callKey: key };
  }

  /** The answer to a question in `stream`, as call number `call` of its trajectory. */
  async ask(
    place: CallPlaceOf,
    stream: OpenStream,
    call: number,
    question: Question,
  ): Promise<E.Either<CallerError, Told>> {
    const parts = this.partsOf(question);
    const key = callKeyOf(parts);
    const base = this.data(place, call, question, key);
    const { book, live } = this.ports;
    const recorded = await book.find(key);
    if (recorded !== undefined) return this.reuse(base, recorded, stream);
    const before = stream.events.flatMap((event) =>
      event.type === 'CallFailed' && event.data.call === call ? [event.data] : [],
    );
    const last = before.at(-1);
    if (last?.final === true && isLasting(last.kind))
      return E.right({ told: false, kind: last.kind, message: last.message });
    const failed = await book.findFailed(key);
    if (failed !== undefined) return this.failAgain(base, failed, stream, before.length);
    if (!live) {
      const nearest = await book.nearest(flatParts(parts));
      return E.left({ tag: 'NotRecorded', callKey: key, prompt: base.prompt, nearest: nearest ?? null });
    }
    return this.make(base, parts, stream, before.length, last?.final ?? false);
  }

  private async reuse(
    base: ReturnType<Caller['data']>,
    { generationId: reusedFrom, data: known, source }: RecordedCall,
    stream: OpenStream,
  ): Promise<E.Either<CallerError, Told>> {
    const { text, tokenIds, logprobs, finish, usage, served } = known;
    const { source: own } = this.ports;
    if (source !== own) {
      const named = [known.callKey, served?.request, served?.response].flatMap((digest) => digest ?? []);
      const copied = await copyBlobs(named, source.blobs, own.blobs);
      if (E.isLeft(copied)) return copied;
    }
    const data = { ...base, text, tokenIds, logprobs, finish, usage, price: null, served, reusedFrom, repeated: false };
    return this.append(data, stream, 'reused');
  }

  /** A call that will fail whenever it is made is not made: the recorded end is its own. */
  private async failAgain(
    base: ReturnType<Caller['data']>,
    { eventId: reusedFrom, data: known, source }: RecordedFailure,
    stream: OpenStream,
    attempt: number,
  ): Promise<E.Either<CallerError, Told>> {
    const { source: own } = this.ports;
    const { kind, message, status, retryAfterMs, request, response, callKey } = known;
    if (!isLasting(kind)) throw new Error('only a failure that would come again stands for another');
    if (source !== own) {
      const copied = await copyBlobs(
        [request, response].flatMap((digest) => digest ?? []),
        source.blobs,
        own.blobs,
      );
      if (E.isLeft(copied)) return copied;
    }
    const what = { kind, message, status, retryAfterMs, request, response, callKey, attempt, final: true, reusedFrom };
    const event = callFailed.create({ ...placeOf(base), ...what }, { correlation: base.collectionId });
    const appended = await stream.append([event]);
    return E.isLeft(appended) ? appended : E.right({ told: false, kind, message });
  }

  private async make(
    base: ReturnType<Caller['data']>,
    parts: CallParts,
    stream: OpenStream,
    before: number,
    ended: boolean,
  ): Promise<E.Either<CallerError, Told>> {
    const { model, source, signal } = this.ports;
    const held = findKey(new TextDecoder().decode(callBytes(parts)), this.ports.secrets);
    if (held !== undefined)
      return E.left({ tag: 'KeyInText', where: `call ${base.call} of ${stream.stream}`, what: held.what });
    // The parts are put away before the call: that they are there, and no answer, tells of a call that was cut off.
    const begun = await source.blobs.has(callKeyOf(parts));
    const kept = await source.blobs.put(callBytes(parts))();
    if (E.isLeft(kept)) return kept;
    let unstored: AppendError | undefined;
    const asked = await model.complete(
      [{ prompt: parts.prompt, sampling: parts.sampling, key: base.seedKey }],
      signal,
      {
        failed: async (failed) => {
          if (unstored !== undefined) return;
          const event = callFailed.create(
            failedCall({ ...placeOf(base), callKey: callKeyOf(parts), before }, failed),
            {},
            observedOf(failed),
          );
          const appended = await stream.append([withCorrelation(event, base.collectionId)]);
          if (E.isLeft(appended)) unstored = appended.left;
        },
      },
    )();
    if (unstored !== undefined) return E.left(unstored);
    if (E.isLeft(asked)) {
      const fault = lastingFault(asked.left);
      return fault === undefined ? asked : E.right({ told: false, ...fault });
    }
    const [completion] = asked.right;
    if (completion === undefined) return E.left({ tag: 'ModelUnavailable', message: 'a call gave no completion' });
    return this.append(
      { ...base, ...said(completion, base), reusedFrom: null, repeated: begun && !ended },
      stream,
      'made',
      completion,
    );
  }

  private async append(
    data: GenerationProduced,
    stream: OpenStream,
    from: From,
    completion?: Completion,
  ): Promise<E.Either<CallerError, Told>> {
    const meta = { correlation: data.collectionId };
    const event = generationProduced.create(data, meta, observedOf(completion?.served));
    const appended = await stream.append([event]);
    if (E.isLeft(appended)) return appended;
    if (from === 'made' && data.callKey !== null) this.ports.book.note(data.callKey, event.id, this.ports.source);
    return E.right({ told: true, generationId: event.id, data, from });
  }
}

const placeOf = ({
  collectionId,
  iteration,
  pass,
  problemId,
  trajectoryId,
  call,
  author,
  model,
}: ReturnType<Caller['data']>) => ({
  collectionId,
  iteration,
  pass,
  problemId,
  trajectoryId,
  call,
  author,
  model,
});

const withCorrelation = <T extends { readonly meta: object }>(event: T, correlation: string): T => ({
  ...event,
  meta: { ...event.meta, correlation },
});

const said = (completion: Completion, { purpose }: ReturnType<Caller['data']>) => ({
  text: purpose === null ? completion.text : textFor(purpose, completion.text),
  tokenIds: completion.tokenIds === null ? null : [...completion.tokenIds],
  logprobs: completion.logprobs === null ? null : [...completion.logprobs],
  finish: completion.finish,
  ...callFacts(completion),
});

const copyBlobs = async (
  digests: readonly Digest[],
  from: BlobStore,
  to: BlobStore,
): Promise<E.Either<ModelError, void>> => {
  for (const digest of digests) {
    if (await to.has(digest)) continue;
    const bytes = await from.get(digest)();
    if (E.isLeft(bytes)) return bytes;
    const put = await to.put(bytes.right)();
    if (E.isLeft(put)) return put;
  }
  return E.right(undefined);
};

/** One trajectory's calls: what it has asked already is given again in the same order, the rest is asked. */
export class TrajectoryCalls {
  private next = 0;
  readonly counts: Record<From, number> = { made: 0, reused: 0, found: 0 };

  constructor(
    private readonly place: CallPlaceOf,
    private readonly stream: OpenStream,
  ) {}

  /** Calls that were made otherwise: those of a student of our own. */
  skip(calls: number): void {
    this.next = calls;
  }

  private found(call: number): Extract<LedgerEvent, { readonly type: 'GenerationProduced' }> | undefined {
    for (const event of this.stream.events)
      if (event.type === 'GenerationProduced' && event.data.call === call) return event;
    return undefined;
  }

  /** The recorded answer to the next call, if there is one; the call after it is the next one then. */
  recorded(): ReturnType<TrajectoryCalls['found']> {
    return this.found(this.next++);
  }

  async ask(caller: Caller, question: Question): Promise<E.Either<CallerError, Told>> {
    const call = this.next;
    const known = this.recorded();
    if (known !== undefined && known.data.callKey === callKeyOf(caller.partsOf(question))) {
      this.counts.found += 1;
      return E.right({ told: true, generationId: known.id, data: known.data, from: 'found' });
    }
    if (known !== undefined) {
      const { id, stream, revision } = known;
      return E.left({ tag: 'IdConflict', stream, id, storedIn: stream, revision });
    }
    const asked = await caller.ask(this.place, this.stream, call, question);
    if (E.isRight(asked) && asked.right.told) this.counts[asked.right.from] += 1;
    return asked;
  }
}
