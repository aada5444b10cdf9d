import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { GossipService } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_grpc_pb';
import {
  ClusterInfo,
  EndPoint,
  MemberInfo,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_pb';
import { ServerFeaturesService } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb';
import {
  SupportedMethod,
  SupportedMethods,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb';
import { UUID } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb';
import { StreamsService } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_grpc_pb';
import { testClock } from '../events';
import { append, batchAppend, type Serving } from './appending';
import { createFaults, type Faults } from './faults';
import { unknown } from './messages';
import { startProxy } from './proxy';
import { read } from './reading';
import { createStore, foreign, type Expected, type Proposed, type Store } from './store';

export interface KurrentServerOptions {
  /** The server's clock. */
  readonly now?: () => string;
  /** Positions whose commit and prepare differ. */
  readonly pairs?: boolean;
  readonly maxAppendSize?: number;
  /** Without batch append the client takes the older call. */
  readonly batchAppend?: boolean;
  /** What gossip says of the other nodes, besides this one. */
  readonly members?: () => readonly { readonly port: number; readonly leader: boolean }[];
  /** Whether this node says that it leads. */
  readonly leader?: () => boolean;
  /** Another node's store: what one node has, the other has. */
  readonly store?: Store;
}

export interface KurrentServer {
  readonly port: number;
  /** `kurrentdb://127.0.0.1:port?tls=false...`: more parameters may be put behind it. */
  readonly url: string;
  readonly faults: Faults;
  readonly store: Store;
  /** Ends all connections in the middle of whatever goes on. */
  cut(): void;
  /** While away, connections are refused. */
  away(away: boolean): void;
  connections(): number;
  /** Subscriptions that are being served. */
  openSubscriptions(): number;
  /** Puts an event into the log past the protocol: a system event, a link, another program's event. */
  put(stream: string, type: string, fields?: Partial<Proposed>): Promise<void>;
  stop(): Promise<void>;
}

const members = (port: number, options: KurrentServerOptions): ClusterInfo => {
  const info = new ClusterInfo();
  const self = { port, leader: options.leader?.() ?? true };
  for (const member of [self, ...(options.members?.() ?? [])]) {
    const one = info.addMembers(new MemberInfo());
    const { LEADER, FOLLOWER } = MemberInfo.VNodeState;
    one.setInstanceId(new UUID().setString(`00000000-0000-4000-8000-${String(member.port).padStart(12, '0')}`));
    one.setState(member.leader ? LEADER : FOLLOWER);
    one.setIsAlive(true);
    one.setTimeStamp('0');
    one.setHttpEndPoint(new EndPoint().setAddress('127.0.0.1').setPort(member.port));
  }
  return info;
};

const features = (withBatch: boolean): SupportedMethods => {
  const methods = new SupportedMethods();
  methods.setEventStoreServerVersion('26.1.0');
  for (const name of withBatch ? ['read', 'append', 'batchappend'] : ['read', 'append']) {
    const method = methods.addMethods(new SupportedMethod());
    method.setServiceName('event_store.client.streams.streams');
    method.setMethodName(name);
  }
  return methods;
};

const refusing =
  (what: string): handleUnaryCall<unknown, unknown> =>
  (_call, respond) =>
    respond(unknown(what));

/**
 * A loopback server for KurrentDB's own client protocol: Streams (Append, BatchAppend, Read with filters and
 * subscriptions), ServerFeatures, Gossip, on our memory adapter. It is our reading of the protocol, not the server: what
 * passes here is tested against the client, not against KurrentDB. What it does not know it refuses by name.
 */
export const startKurrentServer = async (options: KurrentServerOptions = {}): Promise<KurrentServer> => {
  const store = options.store ?? createStore({ now: options.now ?? testClock(), pairs: options.pairs ?? false });
  const faults = createFaults();
  const timers = new Set<NodeJS.Timeout>();
  // The client's reading part sends a request in two small packets and waits for the first to be acknowledged, which a
  // quiet server's system does after 40 ms; pings carry the acknowledgement with them.
  const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024, 'grpc.keepalive_time_ms': 4 });
  let bound: number | undefined;
  const proxy = await startProxy(() => bound);
  const serving: Serving = {
    store,
    faults,
    subscriptions: new Set(),
    maxAppendSize: options.maxAppendSize ?? 1024 * 1024,
    cut: () => proxy.cut(),
    later: (ms, answer) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        answer();
      }, ms);
      timers.add(timer);
    },
  };
  server.addService(StreamsService, {
    read: read(serving),
    append: append(serving),
    batchAppend: batchAppend(serving),
    delete: refusing('the deletion of streams'),
    tombstone: refusing('tombstones'),
  });
  server.addService(ServerFeaturesService, {
    getSupportedMethods: (_call: unknown, respond: (error: null, answer: SupportedMethods) => void) =>
      respond(null, features(options.batchAppend ?? true)),
  });
  server.addService(GossipService, {
    read: (_call: unknown, respond: (error: null, answer: ClusterInfo) => void) =>
      respond(null, members(proxy.port, options)),
  });
  bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });

  const put: KurrentServer['put'] = async (stream, type, fields) => {
    const expected: Expected = await store.head(stream);
    await store.append(stream, expected, [foreign(type, fields)]);
  };
  // A real log is never empty: the server writes about itself.
  if (options.store === undefined) await put('$users', '$UserCreated');

  return {
    port: proxy.port,
    url: `kurrentdb://127.0.0.1:${proxy.port}?tls=false&discoveryInterval=10`,
    faults,
    store,
    cut: () => proxy.cut(),
    away: (away) => proxy.refuse(away),
    connections: () => proxy.connections(),
    openSubscriptions: () => serving.subscriptions.size,
    put,
    stop: async () => {
      for (const timer of timers) clearTimeout(timer);
      await proxy.close();
      server.forceShutdown();
    },
  };
};
