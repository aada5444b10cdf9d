import * as E from 'fp-ts/Either';
import { callFailed } from '../../events/callFailed';
import { contentId } from '../../events/digest';
import { generationProduced, notAsked } from '../../events/generationProduced';
import { findKey, findKeyIn } from '../../events/secrets';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { openMemoryLog } from '../../src/adapters/memory/eventLog';
import { systemClock } from '../../src/adapters/system/clock';
import { servedModel } from '../../src/calls/servedModel';
import { callFacts, failedCall, observedOf, type CallPlace } from '../../src/collect/callFacts';
import { faultNames, readFaults } from '../../src/fakeTeacher/faults';
import { guardedLog } from '../../src/ledger/keyGuard';
import { openStream } from '../../src/ledger/openStream';
import type { CompletionRequest } from '../../src/ports/languageModel';
import { collect, must, testClock, the } from '../support/events';
import { endpointAt, serveFake } from '../support/fakeServer';

const apiKey = `sk-proj-${'T3st'.repeat(10)}`;
const all = readFaults('all');
const faults = all.ok ? all.faults : [];

const request = (i: number): CompletionRequest => ({
  prompt: [
    { role: 'system', content: 'You are brief.' },
    { role: 'user', content: `question ${i}` },
  ],
  sampling: { temperature: 0, topK: null, topP: null, maxTokens: 64 },
  key: ['every fault', i],
});

/**
 * 300 calls, 16 at once, to a teacher that does all that it can do wrong; each call is a trajectory of its own, its attempts
 * and its text are events, as a collection makes them.
 */
describe('a teacher with every fault', () => {
  const count = 300;
  const log = guardedLog(openMemoryLog({ now: testClock() }), [apiKey]);
  const blobs = memoryBlobStore();
  let served: Awaited<ReturnType<typeof serveFake>>;
  const given: (readonly [number, unknown])[] = [];

  beforeAll(async () => {
    served = await serveFake({ faults, rate: 0.35, key: apiKey, seed: 7 });
    const endpoint = endpointAt(served.url, { apiKey, timeoutMs: 1500 });
    const model = must(
      servedModel(
        {
          limits: { concurrency: 16, requestsPerMinute: null, tokensPerMinute: null },
          prices: { currency: 'USD', per: 1_000_000, models: {} },
          backoff: { firstMs: 1, longestMs: 8, longestRetryAfterMs: 10_000 },
          breaker: { failures: 100, openMs: 5 },
        },
        { endpoint, blobs, clock: systemClock },
      ),
    );
    const place = (i: number): CallPlace & { readonly author: 'teacher' } => ({
      collectionId: contentId(['everything']),
      iteration: 1,
      pass: 0,
      problemId: `p${i}`,
      trajectoryId: contentId(['everything', i]),
      call: 0,
      author: 'teacher',
      model: model.ref,
      before: 0,
    });
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const { before, ...where } = place(i);
        const stream = must(await openStream(log, `trajectory-${where.trajectoryId}`));
        const result = await model.complete([request(i)], undefined, {
          failed: async (failed) => {
            const data = failedCall({ ...where, before }, failed);
            must(await stream.append([callFailed.create(data, {}, observedOf(failed))]));
          },
          answered: async (_index, [completion]) => {
            const { text, finish, tokenIds, logprobs, ...rest } = the(completion);
            const data = {
              ...where,
              prompt: JSON.stringify(request(i).prompt),
              text,
              finish,
              tokenIds: tokenIds === null ? null : [...tokenIds],
              logprobs: logprobs === null ? null : [...logprobs],
              sampling: request(i).sampling,
              seedKey: [...request(i).key],
              ...notAsked,
              ...callFacts({ text, finish, tokenIds, logprobs, ...rest }),
            };
            must(await stream.append([generationProduced.create(data, {}, observedOf(rest.served))]));
          },
        })();
        if (E.isLeft(result)) given.push([i, result.left]);
      }),
    );
  }, 60_000);
  afterAll(() => served.close());

  const eventsOf = async (type: string) => collect(log.readAll({ filter: { types: [type] } }));
  const fieldsOf = (data: unknown): Readonly<Record<string, unknown>> => ({ ...Object(data) });

  it('has served as many calls as the ledger has attempts', async () => {
    const [failed, made] = [await eventsOf('CallFailed'), await eventsOf('GenerationProduced')];
    expect(served.served().calls).toBe(failed.length + made.length);
    expect(failed.length).toBeGreaterThan(50);
    expect(made.length + given.length).toBe(count);
  });

  it('met every fault, and each that spoils a reply is an event of its kind', async () => {
    const met = served.served().faults;
    expect(Object.keys(met).sort()).toEqual(
      Object.keys(faultNames)
        .filter((name) => name in met)
        .sort(),
    );
    expect(Object.keys(met)).toHaveLength(faults.length);
    const kinds: Record<string, number> = {};
    for (const { data } of await eventsOf('CallFailed')) {
      const kind = String(fieldsOf(data)['kind']);
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    // Each kind of failure, and the faults that show as it.
    const shown: readonly (readonly [kinds: readonly string[], faults: readonly string[]])[] = [
      [['rate-limit'], ['rate-limit']],
      [['server-error'], ['server-error']],
      [['cut'], ['cut']],
      [['content-type'], ['wrong-type']],
      // Truncated JSON may happen to end in a brace.
      [
        ['not-json', 'truncated'],
        ['garbage', 'truncated'],
      ],
      [['bad-shape'], ['missing-field']],
      [['too-few-samples'], ['too-few']],
      [['content-filter'], ['content-filter']],
      [['too-long'], ['too-long']],
    ];
    const sum = (counts: Readonly<Record<string, number>>, names: readonly string[]): number =>
      names.reduce((total, name) => total + (counts[name] ?? 0), 0);
    // On a machine that is busy, a reply may come too late to be seen: then, and only then, it is a timeout instead.
    let unseen = 0;
    for (const [ours, theirs] of shown) {
      expect([ours, sum(kinds, ours)]).not.toEqual([ours, 0]);
      expect(sum(kinds, ours)).toBeLessThanOrEqual(sum(met, theirs));
      unseen += sum(met, theirs) - sum(kinds, ours);
    }
    expect(sum(kinds, ['timeout'])).toBeGreaterThanOrEqual(sum(met, ['hang']) + unseen);
    expect(Object.keys(kinds).sort()).toEqual([...shown.flatMap(([ours]) => ours), 'timeout'].sort());
  });

  it('gave up only what no other attempt could have mended', () => {
    expect(given.length).toBeGreaterThan(0);
    for (const [, fault] of given)
      expect(['PromptTooLong', 'content-filter']).toContain(
        fieldsOf(fault)['tag'] === 'CallGivenUp' ? fieldsOf(fault)['kind'] : fieldsOf(fault)['tag'],
      );
  });

  it('left the exact bytes of every attempt, and its usage as far as it told', async () => {
    for (const { data, observed } of [...(await eventsOf('CallFailed')), ...(await eventsOf('GenerationProduced'))]) {
      const fields = fieldsOf(data);
      const { request: sent, response } = fieldsOf(fields['served'] ?? fields);
      const body = Buffer.from(must(await blobs.get(String(sent))())).toString();
      expect(body).toContain(`question ${String(fields['problemId']).slice(1)}`);
      expect(response === null || (typeof response === 'string' && (await blobs.has(response)))).toBe(true);
      expect(fieldsOf(observed)).toHaveProperty('latencyMs');
    }
    const silent = (await eventsOf('GenerationProduced')).filter(({ data }) => fieldsOf(data)['usage'] === null);
    expect(silent.length).toBeGreaterThan(0);
    expect(silent.length).toBeLessThanOrEqual(served.served().faults['no-usage'] ?? 0);
  });

  it('left its key nowhere', async () => {
    for await (const event of log.readAll()) expect(findKeyIn(event, [apiKey])).toBeUndefined();
    for await (const digest of blobs.list()) {
      const text = Buffer.from(must(await blobs.get(digest)())).toString();
      expect(findKey(text, [apiKey])).toBeUndefined();
    }
  });
});
