/** A request as it came over a socket, its body read to the end. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** How a reply goes out. A server can do worse than a status: this says how. */
export type Ending =
  | { readonly kind: 'whole' }
  /** The connection is destroyed behind so many bytes of the body, of which all were announced. */
  | { readonly kind: 'cut'; readonly behind: number }
  /** The body goes out in so many pieces with a wait before each. */
  | { readonly kind: 'slow'; readonly pieces: number; readonly waitMs: number }
  /** Nothing goes out until the client gives up. */
  | { readonly kind: 'never' };

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Wait before the first byte. */
  readonly afterMs: number;
  readonly ending: Ending;
}

export type HttpHandler = (request: HttpRequest) => HttpReply;
