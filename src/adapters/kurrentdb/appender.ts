import { randomBytes } from 'node:crypto';
import * as E from 'fp-ts/Either';
import type { Position } from '../../../events/envelope';
import { chained, repeatedAt, type Chained, type Prepared } from '../../../events/prepare';
import { LogReadError, type AppendError, type Appended, type ExpectedRevision } from '../../ports/eventLog';
import { isFinal, messageOf, TimedOut, toStoreError, typeOf, within } from './errors';
import { inOrder, permits } from './inOrder';
import type { KnownIds } from './knownIds';
import { toPosition } from './positions';
import type { Reader } from './reader';
import { outgoing, uuidOf, type Found } from './records';
import { pause, type Session } from './session';

type Result = E.Either<AppendError, Appended>;

/** The last event of a stream, as the next one must know it. */
interface Head {
  readonly revision: ExpectedRevision;
  readonly leaf: string | null;
}

/** What lies in a stream where a batch would go: the event before it, and what is in its place. */
interface View {
  readonly before: Found | undefined;
  readonly there: readonly Found[];
}

type Sent =
  | { readonly kind: 'written'; readonly revision: number; readonly position: Position | undefined }
  | { readonly kind: 'wrongRevision' }
  | { readonly kind: 'refused'; readonly error: AppendError }
  | { readonly kind: 'unknown'; readonly message: string };

/** How many streams' heads are kept at hand. */
const headsKept = 4096;

/**
 * Messages under way at once. Below 16, the point from which the client queues messages of its own: when a connection
 * is lost, what it has queued is rejected where nobody can catch it, and that ends the process.
 */
const messagesUnderWay = 12;
/** The client cuts an append into messages of this many bytes. */
const messageBytes = 3 * 1024 * 1024;

const baseOf = (expected: ExpectedRevision): number => (expected === 'noStream' ? 0 : expected + 1);

export interface Appender {
  append(stream: string, expected: ExpectedRevision, events: readonly Prepared[]): Promise<Result>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

export const createAppender = (session: Session, reader: Reader, ids: KnownIds): Appender => {
  const { writing, where, prefix, deadline, attempts, closing } = session;
  const queue = inOrder();
  const sending = permits(messagesUnderWay);
  let heads = new Map<string, Head>();

  const keepHead = (stream: string, head: Head): void => {
    if (heads.size >= headsKept) heads = new Map();
    heads.set(stream, head);
  };

  const look = async (stream: string, base: number, count: number): Promise<View> => {
    const from = Math.max(base - 1, 0);
    const found = await reader.look(stream, from, count + base - from);
    const before = found.find(({ event }) => event.revision === base - 1);
    return { before, there: found.filter(({ event }) => event.revision >= base) };
  };

  const wrong = async (stream: string, expected: ExpectedRevision): Promise<Result> =>
    E.left({ tag: 'WrongExpectedRevision', stream, expected, actual: await reader.revisionOf(stream) });

  /** Something lies where the batch would go: the same batch, a part of it, or something else. `draw` is our own mark. */
  const whenThere = (
    stream: string,
    expected: ExpectedRevision,
    events: readonly Prepared[],
    { before, there }: View,
    draw?: string,
  ): Result | Promise<Result> => {
    const rows = chained(stream, baseOf(expected), before?.event.leaf ?? null, events);
    const same = rows.filter((row, i) => there[i]?.event.id === row.event.id);
    const changed = same.find((row) => there[row.revision - baseOf(expected)]?.event.leaf !== row.leaf);
    const last = there[rows.length - 1];
    if (same.length === 0) return wrong(stream, expected);
    if (changed !== undefined) {
      return E.left({ tag: 'IdConflict', stream, id: changed.event.id, storedIn: stream, revision: changed.revision });
    }
    if (same.length < rows.length || last === undefined) {
      return E.left({ tag: 'PartialDuplicate', stream, stored: same.length, given: rows.length });
    }
    for (const { event, revision } of rows) ids.add(event.id, { stream, revision });
    const ours = draw !== undefined && rows.every((row, i) => there[i]?.uuid === uuidOf(row.leaf, draw));
    return E.right({ stream, revision: last.event.revision, position: last.event.position, duplicate: !ours });
  };

  const send = async (
    stream: string,
    expected: ExpectedRevision,
    rows: readonly Chained[],
    draw: string,
  ): Promise<Sent> => {
    const events = rows.map((row) => outgoing(row, draw));
    const bytes = rows.reduce((sum, { event }) => sum + 1024 + 3 * event.dataText.length, 0);
    const messages = Math.ceil(bytes / messageBytes);
    if (messages > messagesUnderWay) {
      const message = `this batch is too large for one append: ${rows.length} events; append fewer events at a time`;
      return { kind: 'refused', error: { tag: 'Unavailable', where, message } };
    }
    const streamState = expected === 'noStream' ? 'no_stream' : BigInt(expected);
    const release = await sending.take(messages);
    try {
      const answer = await within(deadline, writing.appendToStream(prefix + stream, events, { streamState, deadline }));
      if (!answer.success) return { kind: 'wrongRevision' };
      const position = answer.position === undefined ? undefined : toPosition(answer.position);
      return { kind: 'written', revision: Number(answer.nextExpectedRevision), position };
    } catch (failure) {
      if (typeOf(failure) === 'wrong-expected-version') return { kind: 'wrongRevision' };
      if (isFinal(failure)) return { kind: 'refused', error: toStoreError(failure, where) };
      // The call that all appends share may be dead: where nothing ends it, the client would use it for ever.
      if (failure instanceof TimedOut) await within(deadline, writing.dispose()).catch(() => {});
      return { kind: 'unknown', message: messageOf(failure) };
    } finally {
      release();
    }
  };

  const done = (stream: string, rows: readonly Chained[], position: Position): Result => {
    const last = rows.at(-1);
    if (last === undefined) throw new RangeError(`append to ${stream}: the batch is empty`);
    keepHead(stream, { revision: last.revision, leaf: last.leaf });
    for (const { event, revision } of rows) ids.add(event.id, { stream, revision });
    return E.right({ stream, revision: last.revision, position, duplicate: false });
  };

  /**
   * Sends until it is known what became of it. An append whose answer is lost may have been written, or may be written
   * yet: we look, and when nothing is there send the very same again, which the server takes once at that revision.
   */
  const write = async (stream: string, expected: ExpectedRevision, rows: readonly Chained[]): Promise<Result> => {
    const draw = randomBytes(8).toString('hex');
    const base = baseOf(expected);
    const events = rows.map(({ event }) => event);
    for (let attempt = 1; ; attempt++) {
      const sent = await send(stream, expected, rows, draw);
      if (sent.kind === 'refused') return E.left(sent.error);
      if (sent.kind === 'written' && sent.revision !== base + rows.length - 1) {
        const message = `stream ${stream}: expected to write revision ${base + rows.length - 1}, the server wrote ${sent.revision}; was the stream deleted there?`;
        return E.left({ tag: 'Damaged', where, message });
      }
      if (sent.kind === 'written' && sent.position !== undefined && attempt === 1)
        return done(stream, rows, sent.position);
      heads.delete(stream);
      const said = sent.kind === 'unknown' ? sent.message : 'what it says it wrote is not there';
      const unconfirmed = (why: string): Result => {
        const message = `the server did not confirm an append to ${stream} in ${attempt} attempts (${why}); repeating it is safe`;
        return E.left({ tag: 'Unavailable', where, message });
      };
      let view: View;
      try {
        view = await look(stream, base, rows.length);
      } catch (failure) {
        if (sent.kind !== 'unknown' || !(failure instanceof LogReadError) || failure.reason.tag !== 'Unavailable')
          throw failure;
        return unconfirmed(`${said}; then: ${failure.reason.message}`);
      }
      if (view.there.length > 0) return whenThere(stream, expected, events, view, draw);
      if (sent.kind === 'wrongRevision') return wrong(stream, expected);
      if (attempt >= attempts || closing.aborted) return unconfirmed(said);
      await pause(attempt, closing);
    }
  };

  const appendNow = async (
    stream: string,
    expected: ExpectedRevision,
    events: readonly Prepared[],
  ): Promise<Result> => {
    const base = baseOf(expected);
    const twice = repeatedAt(events);
    const { id } = events[twice] ?? {};
    if (id !== undefined) return E.left({ tag: 'IdConflict', stream, id, storedIn: stream, revision: base + twice });
    await ids.ready();
    const known = heads.get(stream);
    const head: Head | undefined =
      known ?? (expected === 'noStream' ? { revision: 'noStream', leaf: null } : undefined);
    const clashing = (): readonly Prepared[] => events.filter((event) => ids.mayHave(event.id));
    if (head?.revision === expected && clashing().length === 0) {
      return write(stream, expected, chained(stream, base, head.leaf, events));
    }
    // From here on every id of this stream up to the expected revision is known.
    await ids.refresh();
    const view = await look(stream, base, events.length);
    if (view.there.length > 0) return whenThere(stream, expected, events, view);
    if (base > 0 && view.before === undefined) return wrong(stream, expected);
    for (const event of clashing()) {
      const stored = await ids.event(event.id);
      if (stored === undefined) continue;
      return E.left({ tag: 'IdConflict', stream, id: event.id, storedIn: stored.stream, revision: stored.revision });
    }
    return write(stream, expected, chained(stream, base, view.before?.event.leaf ?? null, events));
  };

  return {
    append: (stream, expected, events) => {
      const keys = [`stream ${stream}`, ...events.map(({ id }) => `id ${id}`)];
      return queue.run(keys, async () => {
        try {
          return await appendNow(stream, expected, events);
        } catch (failure) {
          if (failure instanceof LogReadError) return E.left<AppendError>(failure.reason);
          throw failure;
        }
      });
    },
    settled: () => queue.settled(),
  };
};
