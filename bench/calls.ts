import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { sha256, sha256OfPieces } from '../events/digest';
import { openFileBlobStore } from '../src/adapters/files/blobStore';
import { openAiEndpoint } from '../src/adapters/openai/endpoint';
import { defaultSettings } from '../src/adapters/openai/settings';
import { systemClock } from '../src/adapters/system/clock';
import { servedModel } from '../src/calls/servedModel';
import type { BlobStore } from '../src/ports/blobStore';
import type { CompletionRequest, LanguageModel } from '../src/ports/languageModel';
import * as E from 'fp-ts/Either';
import { compare, rate, report } from './measure';
import { orThrow, report as table } from './table';

/**
 * Calls to a teacher that takes 50 ms for each, 64 at once: ours against a bare `openai` client and against the ideal.
 *
 *     npm run bench -- calls [calls a round]      npm run bench -- calls memory [calls]
 */
const atOnce = 64;
const latencyMs = 50;

interface Teacher {
  readonly url: string;
  readonly stop: () => void;
}

/** The fake teacher in a process of its own, so that its work is not ours. */
const startTeacher = (): Promise<Teacher> =>
  new Promise((resolve, reject) => {
    const main = join(__dirname, '..', 'src', 'cli', 'main.js');
    const child = spawn(process.execPath, [main, 'fake-teacher', '--json', '--latency', String(latencyMs)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.on('error', reject);
    child.stdout.once('data', (line: Buffer) => {
      const { url }: { readonly url: string } = JSON.parse(line.toString('utf8').split('\n')[0] ?? '');
      resolve({ url, stop: () => child.kill('SIGINT') });
    });
  });

/** Hashes what it is given and keeps none of it: the cost of calls without that of a disk. */
const forgetful: BlobStore = {
  put: (bytes) => async () => E.right(sha256(bytes)),
  putPieces: (pieces) => async () => E.right(sha256OfPieces(pieces)),
  putStream: () => {
    throw new Error('calls store whole bodies');
  },
  get: (digest) => async () => E.left({ tag: 'BlobMissing', digest, where: 'nowhere' }),
  has: async () => false,
  size: async () => undefined,
  remove: () => async () => E.right(undefined),
  list: async function* () {},
};

const text = (i: number): string => `Question ${i}: ${'what comes next, and why? '.repeat(20)}`;

const request = (i: number): CompletionRequest => ({
  prompt: [{ role: 'user', content: text(i) }],
  sampling: { temperature: 0, topK: null, topP: null, maxTokens: 64 },
  key: ['bench', i],
});

const modelAt = (baseUrl: string, blobs: BlobStore): LanguageModel => {
  const settings = defaultSettings({ baseUrl, apiKey: 'none', model: 'fake' });
  const endpoint = openAiEndpoint(settings, { now: () => performance.now() });
  const limits = { concurrency: atOnce, requestsPerMinute: null, tokensPerMinute: null };
  const prices = { currency: 'USD', per: 1_000_000, models: {} } as const;
  return orThrow(servedModel({ limits, prices }, { endpoint, blobs, clock: systemClock }));
};

/** `atOnce` callers that ask one after the other until `count` are asked. */
const spread = async (count: number, ask: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await ask(next++);
    }),
  );
};

let asked = 0;
const ours = (model: LanguageModel, count: number): Promise<number> => {
  const from = asked;
  asked += count;
  return rate(count, () => spread(count, async (i) => orThrow(await model.complete([request(from + i)])())));
};

const bare = (url: string, count: number): Promise<number> => {
  const client = new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
  return rate(count, () =>
    spread(count, (i) =>
      client.chat.completions.create({
        model: 'fake',
        messages: [{ role: 'user', content: text(i) }],
        temperature: 0,
        max_tokens: 64,
        seed: 1,
      }),
    ),
  );
};

const throughput = async (url: string, count: number): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'tripost-calls-'));
  try {
    const light = modelAt(url, forgetful);
    const kept = modelAt(url, openFileBlobStore({ folder }));
    await ours(light, 200);
    await bare(url, 200);
    report('calls', [
      await compare(
        { what: 'served model, bodies hashed', peer: 'bare openai client', target: 0.9 },
        3,
        () => ours(light, count),
        () => bare(url, count),
      ),
      await compare(
        { what: 'served model, bodies hashed', peer: `ideal: ${atOnce} / ${latencyMs} ms`, target: 0.8 },
        3,
        () => ours(light, count),
        async () => (atOnce * 1000) / latencyMs,
      ),
      await compare(
        { what: 'served model, bodies in files', peer: 'bare openai client', target: 0.5 },
        3,
        () => ours(kept, count),
        () => bare(url, count),
      ),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const memory = async (url: string, count: number): Promise<void> => {
  const model = modelAt(url, forgetful);
  await ours(model, 1000);
  const rows = [];
  const part = Math.max(1, Math.floor(count / 10));
  for (let done = 0; done < count; done += part) {
    const perSecond = await ours(model, part);
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const mebi = (bytes: number): number => Math.round(bytes / 2 ** 20);
    rows.push({
      calls: done + part,
      'calls/s': Math.round(perSecond),
      'heap MiB': mebi(heapUsed),
      'RSS MiB': mebi(rss),
    });
  }
  table(`memory over ${count} calls (run node with --expose-gc for the heap that is in use)`, rows);
};

const main = async (): Promise<void> => {
  const [what, count] = process.argv.slice(2);
  const teacher = await startTeacher();
  try {
    if (what === 'memory') await memory(teacher.url, Number(count ?? 100_000));
    else await throughput(teacher.url, Number(what ?? 4000));
  } finally {
    teacher.stop();
  }
};

void main();
