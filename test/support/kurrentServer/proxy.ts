import { connect, createServer, type Server, type Socket } from 'node:net';
import { the } from '../events';

/** A TCP relay on a loopback port of its own: what a cut cable, a silent host and a refused connection look like. */
export interface Proxy {
  readonly port: number;
  /** Connections opened so far. */
  connections(): number;
  /** Ends every connection at once, in the middle of whatever is being said. New ones are accepted. */
  cut(): void;
  /** While refusing, a new connection is ended at once. */
  refuse(refusing: boolean): void;
  close(): Promise<void>;
}

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return address.port;
};

/** Relays to the port that `target` gives at the time of each connection. */
export const startProxy = async (target: () => number | undefined): Promise<Proxy> => {
  const sockets = new Set<Socket>();
  let opened = 0;
  let refusing = false;
  const keep = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      other().destroy();
    });
  };
  const server = createServer((client) => {
    const port = target();
    opened += 1;
    if (refusing || port === undefined) {
      client.on('error', () => {});
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    keep(client, () => upstream);
    keep(upstream, () => client);
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: the(portOf(server)),
    connections: () => opened,
    cut,
    refuse: (now) => {
      refusing = now;
    },
    close: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
