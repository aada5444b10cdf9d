import { randomUUID } from 'node:crypto';
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import { ReadReq, type ReadResp } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb';
import { positionOf, type Position } from '../../../events/envelope';
import { refusedBy, type Serving } from './appending';
import {
  caughtUpMessage,
  checkpointMessage,
  confirmationMessage,
  eventMessage,
  nameOf,
  notFoundMessage,
  refusal,
  refuse,
  Refused,
  reject,
} from './messages';
import type { Stored } from './store';

type Call = ServerWritableStream<ReadReq, ReadResp>;

/** Where in the log a reading begins: behind this many events. `all` stands for all there are. */
type Start = number | 'all';

const matcher = (options: ReadReq.Options): ((event: Stored) => boolean) => {
  if (options.hasNoFilter()) return () => true;
  const filter = options.getFilter();
  if (filter === undefined) return reject('neither a filter nor no filter');
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  if (expression === undefined) return refuse('a filter on anything but streams and event types');
  if (!filter.hasMax() && !filter.hasCount()) return reject('a filter without a window');
  if (filter.getCheckpointintervalmultiplier() === 0) return reject('a checkpoint interval of 0');
  const subject = filter.hasStreamIdentifier() ? (event: Stored) => event.stream : (event: Stored) => event.type;
  const prefixes = expression.getPrefixList();
  if (prefixes.length > 0) return (event) => prefixes.some((prefix) => subject(event).startsWith(prefix));
  const pattern = new RegExp(expression.getRegex());
  return (event) => pattern.test(subject(event));
};

const isStructured = (options: ReadReq.Options): boolean => {
  const option = options.getUuidOption();
  if (option === undefined) return reject('no choice of id form');
  return option.hasStructured();
};

const startOf = ({ store }: Serving, all: ReadReq.Options.AllOptions, exclusive: boolean): Start => {
  if (all.hasStart()) return 0;
  if (all.hasEnd()) return 'all';
  const position = all.getPosition();
  if (position === undefined) return reject('no position to read from');
  const commit = BigInt(position.getCommitPosition());
  if (BigInt(position.getPreparePosition()) > commit) return reject('a prepare position behind its commit position');
  return store.countBefore(exclusive ? commit + 1n : commit);
};

const at = (count: number): Position => positionOf(count);

/** Writes one message, and waits while the client takes no more. */
const say = (call: Call, message: ReadResp): Promise<void> | undefined => {
  if (call.write(message)) return undefined;
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'cancelled', 'error']) call.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'cancelled', 'error']) call.once(event, done);
  });
};

/** True when the call is over, by a fault that struck at this event. */
const struck = (serving: Serving, call: Call, operation: 'deliver' | 'push'): boolean => {
  const fault = serving.faults.strike(operation);
  if (fault?.kind === 'cut') serving.cut();
  else if (fault?.kind === 'end') call.end();
  else {
    const answer = refusedBy(fault);
    if (answer === undefined) return false;
    call.emit('error', answer);
  }
  return true;
};

const isOver = (call: Call): boolean => call.cancelled || call.destroyed;

const readAll = async (serving: Serving, call: Call, options: ReadReq.Options, all: ReadReq.Options.AllOptions) => {
  const { store } = serving;
  const backwards = options.getReadDirection() === ReadReq.Options.ReadDirection.BACKWARDS;
  const matches = matcher(options);
  const structured = isStructured(options);
  const start = startOf(serving, all, false);
  let left = BigInt(options.getCount());
  // Forwards a position is read too; backwards it is not.
  const from = start === 'all' ? undefined : at(backwards ? start + 1 : start);
  const range = {
    ...(from === undefined ? {} : { after: from }),
    direction: backwards ? 'backwards' : 'forwards',
  } as const;
  if (start === 'all' && !backwards) return call.end();
  for await (const event of store.log.readAll(range)) {
    if (isOver(call) || left <= 0n) break;
    const stored = store.toStored(event);
    if (!matches(stored)) continue;
    if (struck(serving, call, 'deliver')) return undefined;
    left -= 1n;
    await say(call, eventMessage(stored, structured));
  }
  return call.end();
};

const readStream = async (
  serving: Serving,
  call: Call,
  options: ReadReq.Options,
  from: ReadReq.Options.StreamOptions,
) => {
  const { store } = serving;
  if (!options.hasNoFilter()) return refuse('a filter on a single stream');
  const stream = nameOf(from.getStreamIdentifier());
  const backwards = options.getReadDirection() === ReadReq.Options.ReadDirection.BACKWARDS;
  const structured = isStructured(options);
  const max = Number(options.getCount());
  if ((await store.head(stream)) === 'noStream') {
    await say(call, notFoundMessage(stream));
    return call.end();
  }
  const revision = from.hasRevision() ? { from: Number(from.getRevision()) } : {};
  if (from.hasEnd() && !backwards) return call.end();
  const range = { ...revision, max, direction: backwards ? 'backwards' : 'forwards' } as const;
  for await (const event of store.log.readStream(stream, range)) {
    if (isOver(call)) break;
    if (event.revision < store.begin(stream)) continue;
    if (struck(serving, call, 'deliver')) return undefined;
    await say(call, eventMessage(store.toStored(event), structured));
  }
  return call.end();
};

/** How many events are looked at for each checkpoint, times the client's multiplier. */
const window = 32;

const subscribe = async (serving: Serving, call: Call, options: ReadReq.Options, all: ReadReq.Options.AllOptions) => {
  const { store } = serving;
  const matches = matcher(options);
  const structured = isStructured(options);
  const start = startOf(serving, all, true);
  const interval = window * (options.getFilter()?.getCheckpointintervalmultiplier() ?? 0);
  const stop = new AbortController();
  serving.subscriptions.add(stop);
  stop.signal.addEventListener('abort', () => serving.subscriptions.delete(stop));
  for (const event of ['cancelled', 'close', 'error']) call.on(event, () => stop.abort());
  const after = start === 'all' ? (await store.log.head()).position : start === 0 ? undefined : at(start);
  await say(call, confirmationMessage(randomUUID()));
  let seen = 0;
  let last: Stored | undefined;
  for await (const item of store.log.follow({ ...(after === undefined ? {} : { after }), signal: stop.signal })) {
    if ('tag' in item) {
      await say(call, caughtUpMessage(last));
      continue;
    }
    last = store.toStored(item);
    seen += 1;
    if (matches(last)) {
      if (struck(serving, call, 'push')) return stop.abort();
      await say(call, eventMessage(last, structured));
    }
    if (interval > 0 && seen % interval === 0) await say(call, checkpointMessage(last));
  }
  return call.end();
};

const serve = async (serving: Serving, call: Call): Promise<unknown> => {
  const options = call.request.getOptions();
  if (options === undefined) return reject('a reading without options');
  if (options.getResolveLinks()) return refuse('the resolving of links');
  const subscribing = options.hasSubscription();
  const fault = serving.faults.strike(subscribing ? 'subscribe' : 'read');
  if (fault?.kind === 'cut') return serving.cut();
  if (fault?.kind === 'silent') return undefined;
  if (fault?.kind === 'end') return call.end();
  const answer = refusedBy(fault);
  if (answer !== undefined) throw new Refused(answer);
  const all = options.getAll();
  const stream = options.getStream();
  if (all !== undefined) return (subscribing ? subscribe : readAll)(serving, call, options, all);
  if (stream === undefined) return reject('neither a stream nor all of them');
  if (subscribing) return refuse('subscriptions to a single stream: subscribe to all with a filter');
  return readStream(serving, call, options, stream);
};

/** Readings of a stream, of everything, and subscriptions to everything. */
export const read =
  (serving: Serving) =>
  (call: Call): void => {
    call.on('error', () => {});
    serve(serving, call).catch((failure) => {
      if (isOver(call)) return;
      const message = failure instanceof Error ? failure.message : 'a bad request';
      call.emit('error', failure instanceof Refused ? failure.answer : refusal(status.INTERNAL, message));
    });
  };
