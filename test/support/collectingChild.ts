import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as E from 'fp-ts/Either';
import type { LanguageModel } from '../../src/ports/languageModel';

/** One request at the server of a test, as it came in. */
export interface Served {
  readonly pid: number;
  readonly kind: 'student' | 'teacher';
  /** What was asked: one key for each call. */
  readonly keys: readonly string[];
}

export interface ModelServer {
  readonly url: string;
  readonly served: readonly Served[];
  stop(): Promise<void>;
}

/**
 * A server for the student and for FBK and IMP, which counts who asks for what. It answers nobody until so many processes
 * have asked: then all of them have work, however unevenly they start. `held` may keep a request for ever: it is in flight
 * then.
 */
export const startModelServer = async (
  student: LanguageModel,
  together: number,
  held: (request: Served) => boolean,
): Promise<ModelServer> => {
  const served: Served[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const asked = JSON.parse(body);
      const one: Served = { pid: asked.pid, kind: asked.kind, keys: asked.keys };
      served.push(one);
      if (held(one)) return;
      const answer = async (): Promise<void> => {
        const completions = one.kind === 'student' ? await student.complete(asked.requests)() : E.right(null);
        if (E.isLeft(completions)) throw new Error(completions.left.tag);
        response.end(JSON.stringify(completions.right));
      };
      waiting.push(() => void answer());
      // Calls of a large model take their time: others get a turn meanwhile.
      if (new Set(served.map(({ pid }) => pid)).size >= together)
        for (const next of waiting.splice(0)) setTimeout(next, 10);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    served,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** What a collecting child is told, as JSON. */
export interface ChildWork {
  readonly ledger: { readonly sqlite: string } | { readonly kurrentdb: string };
  readonly server: string;
  /** Arguments of `poseSet` but the task, which is multistep arithmetic. */
  readonly source: object;
  readonly settings: object;
  readonly ref: object;
  readonly batch: number;
  readonly leaseSeconds: number;
}

/**
 * The source of a process that collects its share of a problem set and prints its counts as one line of JSON. Run with
 * `node -e`, against the compiled sources.
 */
export const collectingChild = (dist: string, work: ChildWork): string => `
const { writeSync } = require('node:fs');
const sleep = require('node:timers/promises').setTimeout;
const from = (file) => require(${JSON.stringify(`${dist}/`)} + file);
const { collectShared } = from('src/collect/collectShared.js');
const { scriptedEditor } = from('src/collect/editor.js');
const { poseSet } = from('src/run/problems.js');
const { multistepArithmetic: task } = from('src/tasks/multistepArithmetic/multistepArithmetic.js');
const { ledger, server, source, settings, ref, batch, leaseSeconds } = ${JSON.stringify(work)};
const must = (result) => { if (result._tag === 'Left') throw new Error(JSON.stringify(result.left)); return result.right; };
const ask = async (kind, keys, requests) => {
  const body = JSON.stringify({ pid: process.pid, kind, keys, requests });
  return (await fetch(server, { method: 'POST', body })).json();
};
const open = () => ledger.sqlite === undefined
  ? from('src/adapters/kurrentdb/eventLog.js').openKurrentLog({ url: ledger.kurrentdb })()
  : from('src/adapters/sqlite/eventLog.js').openSqliteLog({ path: ledger.sqlite, mode: 'write', collects: 'shared', now: () => new Date().toISOString() })();
const right = (value) => ({ _tag: 'Right', right: value });
const quick = scriptedEditor(task.script);
const share = {
  claimant: 'process ' + process.pid,
  now: () => ({ steady: performance.now(), wall: Date.now() }),
  pause: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => {}),
  leaseSeconds,
};
(async () => {
  const log = must(await open());
  const { problems } = must(await poseSet(log, { ...source, task }));
  const result = must(await collectShared(problems, settings, {
    log, task, share, signal: new AbortController().signal,
    student: { ref, batch, complete: (requests) => async () => right(await ask('student', requests.map(({ key }) => key.join(' ')), requests)) },
    editor: {
      ...quick,
      feedback: (problem, attempt) => async () => { await ask('teacher', ['FBK ' + problem.question + ' | ' + attempt]); return quick.feedback(problem, attempt)(); },
      improve: (problem, attempt, verdict) => async () => { await ask('teacher', ['IMP ' + problem.question + ' | ' + attempt]); return quick.improve(problem, attempt, verdict)(); },
    },
  }));
  await log.close();
  writeSync(1, JSON.stringify(result) + '\\n');
})().catch((failure) => { writeSync(2, String(failure && failure.stack)); process.exit(3); });
`;
