import { openKurrentLog, type KurrentLog, type KurrentLogOptions } from '../../../src/adapters/kurrentdb/eventLog';
import { must } from '../events';
import { startKurrentServer, type KurrentServer, type KurrentServerOptions } from './server';

const opened: { readonly logs: KurrentLog[]; readonly servers: KurrentServer[] } = { logs: [], servers: [] };

/** A server of this test file's own; call `closeAll` in `afterEach` or `afterAll`. */
export const serve = async (options?: KurrentServerOptions): Promise<KurrentServer> => {
  const server = await startKurrentServer(options);
  opened.servers.push(server);
  return server;
};

/** A log on a server, with little patience so that tests end. `ledger` and the like go behind the address. */
export const openOn = async (
  server: { readonly url: string },
  options: Partial<KurrentLogOptions> = {},
  parameters = '',
): Promise<KurrentLog> => {
  const log = must(await openKurrentLog({ url: server.url + parameters, ...options })());
  opened.logs.push(log);
  return log;
};

export const closeAll = async (): Promise<void> => {
  await Promise.all(opened.logs.splice(0).map((log) => log.close()));
  await Promise.all(opened.servers.splice(0).map((server) => server.stop()));
};
