import type { EventLog } from '../../src/ports/eventLog';
import { eventLogContract } from '../contracts/eventLog.contract';
import { closeAll, openOn, serve } from '../support/kurrentServer/opened';
import { removeFolders } from '../support/ledgerFile';
import { mirrored } from '../support/mirrored';

// A server, its client and two connections for each test: on a busy machine that takes a while.
jest.setTimeout(60_000);

const logs: EventLog[] = [];
afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
});
afterAll(async () => {
  await closeAll();
  removeFolders();
});

// What the command line has of a server: appends go there, readings come from a file that one subscription feeds.
eventLogContract('KurrentDB through a mirror, loopback server', async () => {
  const log = await mirrored(await openOn(await serve()));
  logs.push(log);
  return log;
});
