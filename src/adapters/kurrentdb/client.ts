/**
 * What this adapter uses of `@kurrent/kurrentdb-client`, in our own words: the package is optional, so neither types nor
 * code of this project may need it to be there.
 */
export interface ClientPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** An event as the client gives it: JSON comes parsed. */
export interface ClientRecord {
  readonly streamId: string;
  readonly id: string;
  readonly revision: bigint;
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly isJson: boolean;
  readonly created: Date;
  readonly position?: ClientPosition;
}

export interface ClientEvent {
  readonly event?: ClientRecord;
}

export interface ClientFilter {
  readonly filterOn: 'streamName' | 'eventType';
  readonly regex?: string;
  readonly prefixes?: string[];
  readonly checkpointInterval: number;
}

export interface ClientNewEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: 'application/json';
  readonly data: unknown;
  readonly metadata: unknown;
}

export interface ClientReadAll {
  readonly direction: 'forwards' | 'backwards';
  readonly fromPosition: ClientPosition | 'start' | 'end';
  readonly maxCount: number;
  readonly filter: ClientFilter;
}

export interface ClientReadStream {
  readonly direction: 'forwards' | 'backwards';
  readonly fromRevision: bigint | 'start' | 'end';
  readonly maxCount: number;
  /** Only the leader knows for certain how long a stream is. */
  readonly requiresLeader: boolean;
}

export interface ClientSubscription extends AsyncIterable<ClientEvent> {
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
  unsubscribe(): Promise<void>;
}

export interface KurrentClient {
  appendToStream(
    stream: string,
    events: readonly ClientNewEvent[],
    options: { readonly streamState: bigint | 'no_stream'; readonly deadline: number },
  ): Promise<{ readonly success: boolean; readonly nextExpectedRevision: bigint; readonly position?: ClientPosition }>;
  readStream(stream: string, options: ClientReadStream): AsyncIterable<ClientEvent>;
  readAll(options: ClientReadAll): AsyncIterable<ClientEvent>;
  subscribeToAll(options: {
    readonly fromPosition: ClientPosition | 'start';
    readonly filter: ClientFilter;
  }): ClientSubscription;
  dispose(): Promise<void>;
}

interface KurrentPackage {
  readonly KurrentDBClient: { connectionString(text: string): KurrentClient };
}

export const packageName = '@kurrent/kurrentdb-client';
export const packageVersion = '1.3.1';

const typed = <M>(loaded: M): M => loaded;

const isMissing = (failure: unknown): boolean =>
  typeof failure === 'object' &&
  failure !== null &&
  'code' in failure &&
  failure.code === 'MODULE_NOT_FOUND' &&
  'message' in failure &&
  String(failure.message).includes(`'${packageName}'`);

/** Loads the package only now; `undefined` when it is not installed. */
export const loadClient = (): KurrentPackage | undefined => {
  try {
    return typed<KurrentPackage>(require('@kurrent/kurrentdb-client'));
  } catch (failure) {
    if (isMissing(failure)) return undefined;
    throw failure;
  }
};
