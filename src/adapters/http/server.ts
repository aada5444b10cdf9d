import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import * as TE from 'fp-ts/TaskEither';
import type { HttpHandler, HttpReply } from '../../ports/httpServer';

export interface HttpServer {
  readonly port: number;
  /** Answers nobody any more: open connections are closed, replies under way are cut. */
  close(): Promise<void>;
}

export type ListenError = { readonly tag: 'CannotListen'; readonly where: string; readonly message: string };

const readAll = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString('utf8');
};

const send = async (reply: HttpReply, response: ServerResponse, signal: AbortSignal): Promise<void> => {
  const { status, headers, body, afterMs, ending } = reply;
  if (afterMs > 0) await setTimeout(afterMs, undefined, { signal });
  if (ending.kind === 'never') return;
  const bytes = Buffer.from(body, 'utf8');
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  if (ending.kind === 'whole') {
    response.end(bytes);
    return;
  }
  if (ending.kind === 'cut') {
    response.write(bytes.subarray(0, ending.behind), () => response.socket?.destroy());
    return;
  }
  const size = Math.max(1, Math.ceil(bytes.length / ending.pieces));
  for (let at = 0; at < bytes.length; at += size) {
    await setTimeout(ending.waitMs, undefined, { signal });
    response.write(bytes.subarray(at, at + size));
  }
  response.end();
};

const answer = async (
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
  open: Set<AbortController>,
): Promise<void> => {
  const gone = new AbortController();
  open.add(gone);
  response.on('close', () => {
    open.delete(gone);
    gone.abort();
  });
  try {
    const body = await readAll(request);
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const { authorization } = request.headers;
    const reply = handler({ method: request.method ?? 'GET', path: pathname, authorization, body });
    await send(reply, response, gone.signal);
  } catch {
    // The client went away, or the server closes: there is nobody to tell.
    response.destroy();
  }
};

/** Listens on a port of a host, 0: one that is free, and answers every request as the handler says. */
export const listen = (
  handler: HttpHandler,
  { host, port }: { readonly host: string; readonly port: number },
): TE.TaskEither<ListenError, HttpServer> =>
  TE.tryCatch(
    () =>
      new Promise<HttpServer>((resolve, reject) => {
        const open = new Set<AbortController>();
        const server = createServer((request, response) => void answer(handler, request, response, open));
        // A client may keep its connections for as long as it likes.
        server.keepAliveTimeout = 0;
        server.on('error', reject);
        server.listen(port, host, () => {
          const address = server.address();
          resolve({
            port: typeof address === 'object' && address !== null ? address.port : port,
            close: () =>
              new Promise((done) => {
                server.close(() => done());
                for (const one of open) one.abort();
                server.closeAllConnections();
              }),
          });
        });
      }),
    (failure): ListenError => ({
      tag: 'CannotListen',
      where: `${host}:${port}`,
      message: failure instanceof Error ? failure.message : String(failure),
    }),
  );
