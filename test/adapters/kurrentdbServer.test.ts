import {
  KurrentDBClient,
  excludeSystemEvents,
  jsonEvent,
  persistentSubscriptionToAllSettingsFromDefaults,
} from '@kurrent/kurrentdb-client';
import { closeAll, serve } from '../support/kurrentServer/opened';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

/** The loopback server itself, asked by the unmodified client. */
const clients: KurrentDBClient[] = [];
const connect = async (): Promise<KurrentDBClient> => {
  const client = KurrentDBClient.connectionString((await serve()).url);
  clients.push(client);
  return client;
};

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
  await closeAll();
});

const all = async (reading: AsyncIterable<unknown>): Promise<number> => {
  let count = 0;
  for await (const _ of reading) count += 1;
  return count;
};

describe('what the server does not know, it refuses by name', () => {
  it.each([
    ['any revision', (c: KurrentDBClient) => c.appendToStream('s', jsonEvent({ type: 'T', data: {} }))],
    [
      'any existing stream',
      (c: KurrentDBClient) =>
        c.appendToStream('s', jsonEvent({ type: 'T', data: {} }), { streamState: 'stream_exists' }),
    ],
    ['the deletion of streams', (c: KurrentDBClient) => c.deleteStream('s')],
    ['tombstones', (c: KurrentDBClient) => c.tombstoneStream('s')],
    ['subscriptions to a single stream', (c: KurrentDBClient) => all(c.subscribeToStream('s'))],
    ['the resolving of links', (c: KurrentDBClient) => all(c.subscribeToAll({ resolveLinkTos: true }))],
  ])('%s', async (name, ask) => {
    await expect(ask(await connect())).rejects.toThrow(name);
  });

  it('what it does not list among its methods, the client does not even ask for', async () => {
    const client = await connect();
    const settings = persistentSubscriptionToAllSettingsFromDefaults();
    await expect(client.createPersistentSubscriptionToAll('group', settings)).rejects.toThrow(
      'requires server version',
    );
    const events = [jsonEvent({ type: 'T', data: {} })];
    await expect(client.multiStreamAppend([{ streamName: 's', events, expectedState: 'no_stream' }])).rejects.toThrow(
      'requires server version 25.1',
    );
  });
});

describe('what the server knows', () => {
  it('an append of the same ids at the same revision is one; the same ids elsewhere are two', async () => {
    const client = await connect();
    const events = [1, 2, 3].map((data) => jsonEvent({ type: 'T', data: { data } }));
    const first = await client.appendToStream('s', events, { streamState: 'no_stream' });
    const again = await client.appendToStream('s', events, { streamState: 'no_stream' });
    expect(again).toEqual(first);
    await client.appendToStream('t', events, { streamState: 'no_stream' });
    await client.appendToStream('s', events, { streamState: 2n });
    expect(await all(client.readAll({ filter: excludeSystemEvents() }))).toBe(9);
  });

  it('a part of a stored batch, or more than it, is a wrong revision', async () => {
    const client = await connect();
    const events = [1, 2, 3].map((data) => jsonEvent({ type: 'T', data: { data } }));
    await client.appendToStream('s', events.slice(0, 2), { streamState: 'no_stream' });
    await expect(client.appendToStream('s', events, { streamState: 'no_stream' })).rejects.toMatchObject({
      type: 'wrong-expected-version',
      actualState: 1n,
    });
  });

  it('a position read backwards leaves out the event there, read forwards it does not', async () => {
    const client = await connect();
    for (const data of [1, 2, 3]) {
      await client.appendToStream(`s-${data}`, jsonEvent({ type: 'T', data: { data } }), { streamState: 'no_stream' });
    }
    const positions: { commit: bigint; prepare: bigint }[] = [];
    for await (const { event } of client.readAll()) if (event !== undefined) positions.push(event.position);
    const [, , second = { commit: 0n, prepare: 0n }] = positions;
    expect(await all(client.readAll({ fromPosition: second }))).toBe(2);
    expect(await all(client.readAll({ fromPosition: second, direction: 'backwards' }))).toBe(2);
  });
});
