import { status, type ServerDuplexStream, type ServerReadableStream } from '@grpc/grpc-js';
import type { StreamIdentifier, UUID } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb';
import {
  AppendReq,
  BatchAppendReq,
  type AppendResp,
  type BatchAppendResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb';
import type { Fault, Faults } from './faults';
import {
  appendSuccess,
  appendWrongVersion,
  batchSuccess,
  batchTimeout,
  batchTooLarge,
  batchWrongVersion,
  nameOf,
  refusal,
  refuse,
  Refused,
  reject,
  textOfUuid,
} from './messages';
import type { Expected, Proposed, Store, Written } from './store';

export interface Serving {
  readonly store: Store;
  readonly faults: Faults;
  /** The calls of subscriptions that are being served. */
  readonly subscriptions: Set<unknown>;
  /** Bytes of data and metadata that one append may have. */
  readonly maxAppendSize: number;
  /** Ends all connections. */
  readonly cut: () => void;
  /** Runs an answer later; forgotten when the server stops. */
  readonly later: (ms: number, answer: () => void) => void;
}

/** What an append asks for, whichever of the two calls it came by. */
interface Request {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: readonly Proposed[];
}

type Outcome =
  | Written
  | { readonly kind: 'tooLarge' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'refused'; readonly answer: ReturnType<typeof refusal> };

const proposed = (message: AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage): Proposed => {
  const fields = message.getMetadataMap();
  const type = fields.get('type');
  const contentType = fields.get('content-type');
  if (type === undefined || type === '') return reject('an event has no type');
  if (contentType !== 'application/json' && contentType !== 'application/octet-stream') {
    return reject(`an event has the content type ${contentType}`);
  }
  const event: Proposed = {
    id: textOfUuid(message.getId()),
    type,
    contentType,
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
  if (contentType === 'application/json') JSON.parse(Buffer.from(event.data).toString());
  return event;
};

const revision = (text: string): number => {
  const n = Number(text);
  return Number.isSafeInteger(n) && n >= 0 ? n : reject(`${text} is no revision`);
};

const expectedOf = (options: AppendReq.Options | BatchAppendReq.Options): Expected => {
  if (options.hasAny()) return refuse('appends to any revision: give an exact one');
  if (options.hasStreamExists()) return refuse('appends to any existing stream: give an exact revision');
  if (options.hasNoStream()) return 'noStream';
  return revision('getStreamPosition' in options ? options.getStreamPosition() : options.getRevision());
};

/** Calls back when there is something to say; with some faults, never. */
const serve = async (
  { store, faults, maxAppendSize, cut, later }: Serving,
  { stream, expected, events }: Request,
  answer: (outcome: Outcome) => void,
): Promise<void> => {
  if (events.length === 0) return answer({ kind: 'refused', answer: refusal(status.INVALID_ARGUMENT, 'no events') });
  const fault = faults.strike('append');
  if (fault?.kind === 'cut') return cut();
  if (fault?.kind === 'silent') return;
  if (fault?.kind === 'wrongVersion') return answer({ kind: 'wrongVersion', current: await store.head(stream) });
  const early = refusedBy(fault);
  if (early !== undefined) return answer({ kind: 'refused', answer: early });
  const size = events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
  if (size > maxAppendSize) return answer({ kind: 'tooLarge' });
  const written = await store.append(stream, expected, events);
  if (fault?.kind === 'cutAfter') return cut();
  if (fault?.kind === 'silentAfter') return;
  if (fault?.kind === 'timeout') return answer({ kind: 'timeout' });
  if (fault?.kind === 'late') return later(fault.ms, () => answer(written));
  answer(written);
};

export const refusedBy = (fault: Fault | undefined): ReturnType<typeof refusal> | undefined => {
  if (fault?.kind === 'unavailable') return refusal(status.UNAVAILABLE, 'the loopback server was told to be away');
  if (fault?.kind !== 'notLeader') return undefined;
  const trailers = {
    exception: 'not-leader',
    'leader-endpoint-host': '127.0.0.1',
    'leader-endpoint-port': String(fault.port),
  };
  return refusal(status.NOT_FOUND, 'Leader info available', trailers);
};

const answerOf = (failure: unknown): ReturnType<typeof refusal> => {
  if (failure instanceof Refused) return failure.answer;
  return refusal(status.INVALID_ARGUMENT, failure instanceof Error ? failure.message : 'a bad request');
};

interface Pending {
  readonly correlation: UUID;
  readonly options: BatchAppendReq.Options;
  readonly events: BatchAppendReq.ProposedMessage[];
}

/** One long call on which many appends travel, told apart by correlation id; one append may come in several messages. */
export const batchAppend =
  (serving: Serving) =>
  (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const pending = new Map<string, Pending>();
    const fail = (answer: ReturnType<typeof refusal>): void => void call.emit('error', answer);

    const finish = async ({ correlation, options, events }: Pending): Promise<void> => {
      const stream = nameOf(options.getStreamIdentifier());
      const expected = expectedOf(options);
      const say = (message: BatchAppendResp): void => {
        if (!call.cancelled && !call.destroyed) call.write(message);
      };
      await serve(serving, { stream, expected, events: events.map(proposed) }, (outcome) => {
        if (outcome.kind === 'refused') return fail(outcome.answer);
        if (outcome.kind === 'timeout') return say(batchTimeout(correlation, stream));
        if (outcome.kind === 'tooLarge') return say(batchTooLarge(correlation, stream, serving.maxAppendSize));
        if (outcome.kind === 'wrongVersion') {
          return say(batchWrongVersion(correlation, stream, expected, outcome.current));
        }
        say(batchSuccess(correlation, stream, outcome.last));
      });
    };

    const take = (message: BatchAppendReq): void => {
      const correlation = message.getCorrelationId();
      const key = textOfUuid(correlation);
      const options = message.getOptions();
      const known = pending.get(key);
      if (known !== undefined && options !== undefined) return reject('the options of an append came twice');
      const now = known ?? { correlation, options, events: [] };
      if (now.correlation === undefined || now.options === undefined) return reject('an append without options');
      const append: Pending = { correlation: now.correlation, options: now.options, events: now.events };
      append.events.push(...message.getProposedMessagesList());
      pending.set(key, append);
      if (!message.getIsFinal()) return;
      pending.delete(key);
      finish(append).catch((failure) => fail(answerOf(failure)));
    };

    call.on('data', (message: BatchAppendReq) => {
      try {
        take(message);
      } catch (failure) {
        fail(answerOf(failure));
      }
    });
    call.on('end', () => call.end());
    call.on('error', () => {});
  };

/** The older call: one append, its options first, then its events. */
export const append =
  (serving: Serving) =>
  (
    call: ServerReadableStream<AppendReq, AppendResp>,
    respond: (error: ReturnType<typeof refusal> | null, answer?: AppendResp) => void,
  ): void => {
    let options: AppendReq.Options | undefined;
    const events: AppendReq.ProposedMessage[] = [];

    const finish = async (): Promise<void> => {
      if (options === undefined) return reject('an append without options');
      const identifier: StreamIdentifier | undefined = options.getStreamIdentifier();
      const stream = nameOf(identifier);
      const expected = expectedOf(options);
      await serve(serving, { stream, expected, events: events.map(proposed) }, (outcome) => {
        if (outcome.kind === 'refused') return respond(outcome.answer);
        if (outcome.kind === 'timeout') return respond(refusal(status.ABORTED, 'Timeout'));
        if (outcome.kind === 'wrongVersion') return respond(null, appendWrongVersion(expected, outcome.current));
        if (outcome.kind !== 'tooLarge') return respond(null, appendSuccess(outcome.last));
        const trailers = {
          exception: 'maximum-append-size-exceeded',
          'maximum-append-size': String(serving.maxAppendSize),
        };
        respond(refusal(status.INVALID_ARGUMENT, 'Maximum Append Size Exceeded', trailers));
      });
    };

    call.on('data', (message: AppendReq) => {
      options ??= message.getOptions();
      const event = message.getProposedMessage();
      if (event !== undefined) events.push(event);
    });
    call.on('end', () => {
      finish().catch((failure) => respond(answerOf(failure)));
    });
    call.on('error', () => {});
  };
