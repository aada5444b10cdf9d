/** What one request and its reply were: no headers but the two that matter. */
export interface Recorded {
  request: Uint8Array;
  response: Uint8Array | null;
  status: number | null;
  contentType: string | null;
  retryAfter: string | null;
  tooLarge: boolean;
  failure: unknown;
}

export interface RecordingFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Runs something that fetches once, with these headers, and tells what went over the wire. */
  record(use: (headers: Readonly<Record<string, string>>) => Promise<void>): Promise<Recorded>;
}

/**
 * Says which record a request belongs to, and goes no further than our fetch. (An AsyncLocalStorage would slow down every
 * promise of the process.)
 */
const mark = 'x-tripost-record';

const encoder = new TextEncoder();

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/**
 * A fetch that reads every reply to its end before it hands it on, and keeps the exact bytes of both bodies: also of a
 * reply that was cut off, as far as it came. Headers are not kept, so no key and no cookie is.
 */
export const recordingFetch = (fetch: typeof globalThis.fetch, largestReply: number): RecordingFetch => {
  const records = new Map<string, Recorded>();
  let made = 0;
  const recording: typeof globalThis.fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const record = records.get(headers.get(mark) ?? '');
    if (record === undefined) throw new Error('nobody records this request');
    headers.delete(mark);
    if (typeof init?.body === 'string') record.request = encoder.encode(init.body);
    const parts: Uint8Array[] = [];
    let size = 0;
    let reply: Response;
    try {
      reply = await fetch(input, { ...init, headers });
      record.status = reply.status;
      record.contentType = reply.headers.get('content-type');
      const milliseconds = reply.headers.get('retry-after-ms');
      record.retryAfter = milliseconds === null ? reply.headers.get('retry-after') : `${milliseconds}ms`;
      const reader = reply.body?.getReader();
      for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
        size += part.value.length;
        if (size > largestReply) {
          record.tooLarge = true;
          await reader?.cancel();
          break;
        }
        parts.push(part.value);
      }
    } catch (failure) {
      record.failure = failure;
      throw failure;
    } finally {
      if (record.status !== null) record.response = joined(parts);
    }
    // Never read again: the SDK gets an empty body, and its own parser nothing to fail on.
    return new Response(null, { status: 204 });
  };
  return {
    fetch: recording,
    record: async (use) => {
      const record: Recorded = {
        request: new Uint8Array(),
        response: null,
        status: null,
        contentType: null,
        retryAfter: null,
        tooLarge: false,
        failure: undefined,
      };
      const id = String(made++);
      records.set(id, record);
      try {
        await use({ [mark]: id });
      } catch (failure) {
        // What the SDK throws says less than what was seen here.
        record.failure ??= failure;
      } finally {
        records.delete(id);
      }
      return record;
    },
  };
};
