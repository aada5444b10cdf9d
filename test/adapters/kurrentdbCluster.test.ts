import { openKurrentLog } from '../../src/adapters/kurrentdb/eventLog';
import { collect, must, namesOf, someEvents, the } from '../support/events';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';
import type { KurrentServer } from '../support/kurrentServer/server';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

afterEach(closeAll);

/** Two nodes of one database; either says which of them leads. A node that does not lead refuses to append. */
const cluster = async (): Promise<{
  nodes: readonly [KurrentServer, KurrentServer];
  readonly lead: (node: 0 | 1) => void;
  url: string;
}> => {
  const ports: number[] = [];
  let leading = 0;
  const options = (node: number) => ({
    leader: () => leading === node,
    members: () => [{ port: the(ports[1 - node]), leader: leading !== node }],
  });
  const first = await serve(options(0));
  const second = await serve({ ...options(1), store: first.store });
  const nodes = [first, second] as const;
  ports.push(first.port, second.port);
  for (const [node, server] of nodes.entries()) {
    server.faults.by((operation) => {
      if (operation !== 'append' || leading === node) return undefined;
      return { kind: 'notLeader', port: the(ports[leading]) };
    });
  }
  return {
    nodes,
    lead: (node) => {
      leading = node;
    },
    url: `kurrentdb+discover://127.0.0.1:${first.port}?tls=false&discoveryInterval=10`,
  };
};

it('finds the leader, and follows it when another node takes over', async () => {
  const { nodes, lead, url } = await cluster();
  lead(1);
  const log = await openOn({ url });
  must(await log.append('s', 'noStream', someEvents('a', 2))());
  expect(nodes.map((node) => node.faults.count('append'))).toEqual([0, 1]);
  lead(0);
  must(await log.append('s', 1, someEvents('b', 2))());
  expect(nodes[0].faults.count('append')).toBe(1);
  expect(namesOf(await collect(log.readStream('s')))).toEqual(['a-0', 'a-1', 'b-0', 'b-1']);
});

it('goes on with the node that is left, its followers too, when the leader goes away', async () => {
  const { nodes, lead, url } = await cluster();
  lead(1);
  const log = await openOn({ url });
  must(await log.append('s', 'noStream', someEvents('a', 2))());
  const stop = new AbortController();
  const seen: unknown[] = [];
  const following = (async () => {
    for await (const item of log.follow({ signal: stop.signal })) {
      if ('tag' in item) continue;
      seen.push(item.id);
      if (seen.length === 4) stop.abort();
    }
  })();
  lead(0);
  nodes[1].away(true);
  nodes[1].cut();
  must(await log.append('s', 1, someEvents('b', 2))());
  await following;
  expect(seen).toEqual([...someEvents('a', 2), ...someEvents('b', 2)].map(({ id }) => id));
});

it('says that no node answers', async () => {
  const { nodes, url } = await cluster();
  for (const node of nodes) node.away(true);
  const opened = await openKurrentLog({ url, attempts: 1, deadline: 3000 })();
  expect(opened).toMatchObject({
    left: { tag: 'Unavailable', where: expect.stringContaining('kurrentdb+discover://127.0.0.1') },
  });
});
