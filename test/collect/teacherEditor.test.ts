import * as E from 'fp-ts/Either';
import { eventRetracted } from '../../events/eventRetracted';
import { decodeEvent, type LedgerEvent } from '../../events/index';
import { findKey, findKeyIn } from '../../events/secrets';
import { deriveDataset } from '../../projections/deriveDataset';
import { blobsNamedBy } from '../../projections/namedBlobs';
import { loadPolicy } from '../../src/cli/policyFile';
import { readFaults } from '../../src/fakeTeacher/faults';
import { replyRules } from '../../src/prompts/replies';
import { tasks } from '../../src/tasks';
import { multistepArithmetic } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import { collect, must } from '../support/events';
import { serveFake } from '../support/fakeServer';
import { apiKey, collectAt, newPlace, pose, type Place } from './teacherSupport';

const eventsOf = async ({ log }: Place): Promise<readonly LedgerEvent[]> =>
  (await collect(log.readAll())).map((event) => must(decodeEvent(event)));

/** What the ledger says, whatever the order of streams. */
const leavesOf = async ({ log }: Place): Promise<readonly string[]> =>
  (await collect(log.readAll()))
    .map(({ stream, revision, type, leaf }) => `${stream} ${revision} ${type} ${leaf}`)
    .sort();

const datasetOf = async (place: Place): Promise<string> =>
  deriveDataset(await eventsOf(place), loadPolicy('tripost', '.'), { seed: 1 }).manifest.dataset;

const running: Awaited<ReturnType<typeof serveFake>>[] = [];
const serve = async (settings: Parameters<typeof serveFake>[0]) => {
  const server = await serveFake(settings);
  running.push(server);
  return server;
};
afterAll(() => Promise.all(running.map((server) => server.close())));

const every = readFaults('all');
const faults = every.ok ? every.faults : [];

const servedOn = (events: readonly LedgerEvent[]): number =>
  events.filter(
    ({ type, data }) =>
      (type === 'GenerationProduced' || type === 'CallFailed') && 'reusedFrom' in data && data.reusedFrom === null,
  ).length;

describe('a teacher that does no wrong', () => {
  it.each([...tasks.values()].map((task) => [task.name, task] as const))(
    '%s: gives feedback and updates as the script does, each call an event with what it was for',
    async (_, task) => {
      const server = await serve({ seed: 7 });
      const place = newPlace();
      const problems = await pose(place, task, 8);
      const progress = must(await collectAt(place, task, problems, { url: server.url }, { maxCalls: 1 }));
      const events = await eventsOf(place);
      const generations = events.flatMap((event) => (event.type === 'GenerationProduced' ? [event] : []));
      expect(server.served().calls).toBe(generations.length);
      expect(progress).toMatchObject({ done: 8, newCalls: generations.length, reusedCalls: 0 });
      expect(progress.outcomes['solved'] ?? 0).toBeGreaterThanOrEqual(7);
      const byId = new Map(generations.map((event) => [event.id, event.data]));
      let edits = 0;
      for (const event of events) {
        if (event.type !== 'FeedbackGiven' && event.type !== 'ImprovementProduced') continue;
        const said = byId.get(event.data.generationId ?? '');
        expect(said).toBeDefined();
        edits += event.data.author === 'teacher' ? 1 : 0;
        if (event.data.author !== 'teacher') continue;
        expect(said?.purpose?.kind).toBe(event.type === 'FeedbackGiven' ? 'feedback' : 'improvement');
        expect(said?.author).toBe('teacher');
      }
      expect(edits).toBeGreaterThan(0);
      const asked = generations.flatMap((event) =>
        blobsNamedBy(event).filter((digest) => digest !== event.data.purpose?.prompt),
      );
      expect(asked).toHaveLength(3 * generations.length);
      for (const digest of asked) expect(await place.blobs.has(digest)).toBe(true);
    },
    30_000,
  );
});

describe('a teacher that speaks badly', () => {
  it('has every form of it refused by its own rule', async () => {
    const task = multistepArithmetic;
    const badly = ['length', 'other-language', 'bad-form', 'no-such-step', 'rewrites-steps'] as const;
    const server = await serve({ faults: badly, rate: 1, seed: 2 });
    const place = newPlace();
    must(await collectAt(place, task, await pose(place, task, 120), { url: server.url, atOnce: 16, demo: true }));
    const refused = (await eventsOf(place)).flatMap((event) =>
      event.type === 'TurnRefused' && event.data.author === 'teacher' ? [`${event.data.turn} ${event.data.rule}`] : [],
    );
    for (const turn of ['attempt', 'feedback', 'improvement'])
      for (const rule of ['reply-truncated', 'reply-other-language', 'reply-format'])
        expect(refused).toContain(`${turn} ${rule}`);
    expect(refused).toContain('feedback no-such-step');
    expect(refused).toContain('improvement rewrites-earlier-steps');
    const events = await eventsOf(place);
    const attempts = events.flatMap((event) => (event.type === 'AttemptMade' ? [event.data] : []));
    expect(new Set(attempts.map(({ author }) => author))).toEqual(new Set(['teacher']));
    const solved = deriveDataset(events, loadPolicy('si-demo', '.'), { seed: 1 });
    expect(solved.rows.length).toBeGreaterThan(20);
    expect(server.served().calls).toBe(servedOn(await eventsOf(place)));
  }, 30_000);
});

describe('a teacher with every fault', () => {
  const task = multistepArithmetic;
  const place = newPlace();
  let served: Awaited<ReturnType<typeof serve>>;
  let events: readonly LedgerEvent[] = [];

  beforeAll(async () => {
    served = await serve({ faults, rate: 0.3, seed: 7, key: apiKey });
    const problems = await pose(place, task, 60);
    must(await collectAt(place, task, problems, { url: served.url, atOnce: 8 }, { maxCalls: 1 }));
    events = await eventsOf(place);
  }, 60_000);

  it('has served as many calls as the ledger has', () => {
    expect(served.served().calls).toBe(servedOn(events));
    expect(events.filter(({ type }) => type === 'CallFailed').length).toBeGreaterThan(20);
  });

  it('closed every trajectory, and said of each refused reply by which rule', () => {
    const closed = events.flatMap((event) => (event.type === 'TrajectoryClosed' ? [event.data] : []));
    expect(closed).toHaveLength(60);
    const refused = events.flatMap((event) =>
      event.type === 'TurnRefused' && event.data.author === 'teacher' ? [event.data] : [],
    );
    const rules = new Set(refused.map(({ rule }) => rule));
    expect(rules.size).toBeGreaterThan(1);
    for (const rule of rules) expect(Object.keys(replyRules)).toContain(rule);
    const texts = new Map(
      events.flatMap((event) => (event.type === 'GenerationProduced' ? [[event.id, event.data.text]] : [])),
    );
    for (const { generationId, text } of refused) expect(texts.get(generationId ?? '')).toBe(text);
  });

  it('asked at most once more after a refusal, and what stayed refused closed the trajectory', () => {
    const generations = events.flatMap((event) => (event.type === 'GenerationProduced' ? [event.data] : []));
    const repairs = generations.filter(({ purpose }) => purpose?.repair === true);
    expect(repairs.length).toBeGreaterThan(0);
    const places = repairs.map(({ trajectoryId, purpose }) => `${trajectoryId} ${purpose?.kind} ${purpose?.round}`);
    for (const one of new Set(places)) expect(places.filter((other) => other === one)).toHaveLength(1);
    const reasons = events.flatMap((event) =>
      event.type === 'TrajectoryClosed' && event.data.outcome === 'discarded' ? [event.data.detail ?? ''] : [],
    );
    expect(reasons.some((detail) => /^(reply-|no-such-step|rewrites-|call-failed)/.test(detail))).toBe(true);
  });

  it('left its key nowhere', async () => {
    for await (const event of place.log.readAll()) expect(findKeyIn(event, [apiKey])).toBeUndefined();
    for await (const digest of place.blobs.list())
      expect(findKey(Buffer.from(must(await place.blobs.get(digest)())).toString(), [apiKey])).toBeUndefined();
  });

  it('says the same whatever the order of completion', async () => {
    const again = await serve({ faults, rate: 0.3, seed: 7, key: apiKey, latencyMs: 2 });
    const other = newPlace();
    const problems = await pose(other, task, 60);
    must(await collectAt(other, task, problems, { url: again.url, atOnce: 3 }, { maxCalls: 1 }));
    expect(await leavesOf(other)).toEqual(await leavesOf(place));
  }, 60_000);

  it('can be replayed with nobody there: an equal dataset, and not one call', async () => {
    const other = newPlace();
    const problems = await pose(other, task, 60);
    const nobody = { url: 'http://127.0.0.1:9/v1', live: false, from: [place] };
    const progress = must(await collectAt(other, task, problems, nobody, { maxCalls: 1 }));
    expect(progress.newCalls).toBe(0);
    const replayed = await eventsOf(other);
    expect(servedOn(replayed)).toBe(0);
    expect(await datasetOf(other)).toBe(await datasetOf(place));
    const copies = replayed.flatMap((event) => (event.type === 'GenerationProduced' ? [event.data] : []));
    expect(copies.length).toBeGreaterThan(100);
    for (const { price, callKey, served: body } of copies) {
      expect(price).toBeNull();
      for (const digest of [callKey, body?.request, body?.response])
        expect(await other.blobs.has(digest ?? '')).toBe(true);
    }
    // And again, from the replay alone.
    const third = newPlace();
    must(await collectAt(third, task, await pose(third, task, 60), { ...nobody, from: [other] }, { maxCalls: 1 }));
    expect(await datasetOf(third)).toBe(await datasetOf(place));
  }, 60_000);

  it('refuses what was never asked, and names the nearest call with what differs', async () => {
    const other = newPlace();
    const problems = await pose(other, task, 60);
    const nobody = { url: 'http://127.0.0.1:9/v1', live: false, from: [place] };
    const result = await collectAt(other, task, problems, nobody, { maxCalls: 1, seed: 6 });
    if (E.isRight(result) || result.left.tag !== 'NotRecorded') throw new Error(JSON.stringify(result));
    const { nearest } = result.left;
    expect(nearest?.differences).toContainEqual({ part: 'sample[0]', here: '6', there: '5', weight: 2 });
    expect(servedOn(await eventsOf(other))).toBe(0);
  });
});

describe('calls of a collection', () => {
  const task = multistepArithmetic;

  it('are not made twice for what two passes ask alike', async () => {
    const server = await serve({ seed: 3 });
    const place = newPlace();
    const problems = await pose(place, task, 6);
    const greedy = { temperature: 0, topK: null, topP: null, maxTokens: 1500 };
    const passes = { passes: 3, maxCalls: 1, sampling: greedy };
    const progress = must(await collectAt(place, task, problems, { url: server.url }, passes));
    const events = await eventsOf(place);
    const generations = events.flatMap((event) => (event.type === 'GenerationProduced' ? [event] : []));
    const reused = generations.filter(({ data }) => data.reusedFrom !== null);
    expect(server.served().calls).toBe(generations.length - reused.length);
    expect(progress).toMatchObject({ newCalls: server.served().calls, reusedCalls: reused.length });
    // Attempts and feedback are drawn at temperature 0: two passes of three use what the first was given.
    expect(reused.filter(({ data }) => data.purpose?.kind === 'attempt')).toHaveLength(12);
    for (const { data } of reused) {
      const original = generations.find(({ id }) => id === data.reusedFrom);
      expect(original?.data).toMatchObject({ text: data.text, callKey: data.callKey, reusedFrom: null });
    }
  }, 20_000);

  it('that were made before they could be noted are marked when they are made again', async () => {
    const server = await serve({ seed: 3 });
    const place = newPlace();
    const problems = await pose(place, task, 4);
    // The disk is full when the fifth answer is to be kept: the call was served, and nobody knows.
    let left = 6;
    const { log } = place;
    const full: Place = {
      ...place,
      log: {
        ...log,
        append: (stream, expected, events) =>
          stream.startsWith('trajectory-') && left-- <= 0
            ? async () => E.left({ tag: 'NoSpace', where: 'memory', message: 'full' })
            : log.append(stream, expected, events),
      },
    };
    const failed = await collectAt(full, task, problems, { url: server.url, atOnce: 1 }, { maxCalls: 1 });
    expect(failed).toEqual(E.left({ tag: 'NoSpace', where: 'memory', message: 'full' }));
    must(await collectAt(place, task, problems, { url: server.url, atOnce: 1 }, { maxCalls: 1 }));
    const events = await eventsOf(place);
    const repeated = events.flatMap((event) =>
      event.type === 'GenerationProduced' && event.data.repeated ? [event.data] : [],
    );
    expect(repeated).toHaveLength(1);
    expect(server.served().calls).toBe(servedOn(events) + 1);
    const undisturbed = newPlace();
    const twin = await serve({ seed: 3 });
    must(
      await collectAt(
        undisturbed,
        task,
        await pose(undisturbed, task, 4),
        { url: twin.url, atOnce: 1 },
        { maxCalls: 1 },
      ),
    );
    expect(await datasetOf(place)).toBe(await datasetOf(undisturbed));
  }, 20_000);

  it('of a retracted generation are made again', async () => {
    const server = await serve({ seed: 3 });
    const place = newPlace();
    const problems = await pose(place, task, 2);
    must(await collectAt(place, task, problems, { url: server.url }, { maxCalls: 1 }));
    const calls = server.served().calls;
    const first = (await eventsOf(place)).find(
      ({ type, data }) => type === 'GenerationProduced' && 'author' in data && data.author === 'student',
    );
    const retraction = eventRetracted.create({ eventId: first?.id ?? '', reason: 'leaked', by: 'maria' });
    must(await place.log.append('notes', 'noStream', [retraction])());
    // Another collection asks the same of the student.
    must(await collectAt(place, task, problems, { url: server.url }, { maxCalls: 1, rightAnswer: 'answer-match' }));
    expect(server.served().calls).toBe(calls + 1);
  }, 20_000);
});
