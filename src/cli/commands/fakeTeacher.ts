import { once } from 'node:events';
import * as E from 'fp-ts/Either';
import writeFileAtomic from 'write-file-atomic';
import { canonicalJson } from '../../../events/digest';
import { listen } from '../../adapters/http/server';
import { fakeTeacher as createFake } from '../../fakeTeacher/fakeTeacher';
import { faultNames, readFaults } from '../../fakeTeacher/faults';
import type { Args } from '../args';
import { jsonFlag, type Command } from '../command';
import { stop, usage } from '../faults';
import { writing } from '../inputFile';

const portOf = (args: Args): number => {
  const port = args.whole('port') ?? 0;
  return port <= 65535 ? port : usage(`--port: expected 0 to 65535, got ${port}`);
};

const rateOf = (args: Args): number => {
  const rate = args.number('faultRate') ?? 0.2;
  return rate <= 1 ? rate : usage(`--fault-rate: expected a share from 0 to 1, got ${rate}`);
};

const listed = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const writeCount = (file: string | undefined, count: object): void => {
  if (file !== undefined) writing(file, () => writeFileAtomic.sync(file, `${canonicalJson(count)}\n`));
};

const faultLines = Object.entries(faultNames).map(([name, what]) => `  ${name.padEnd(15)}${what}`);

export const fakeTeacher: Command = {
  name: 'fake-teacher',
  summary: 'A server of the OpenAI API for tests: answers by script, and misbehaves as told',
  json: 'lines',
  details: [
    'Serves /v1/chat/completions, /v1/completions, /v1/models and /count until Ctrl-C. It answers tripost-ask/1 prompts',
    "(src/fakeTeacher/protocol.ts) and student prompts by the tasks' scripts, and anything else with words drawn from the seed.",
    'The same request gets the same reply; which fault it meets depends on seed, content and how often it came before.',
    'Faults (all: every one but the last two):',
    ...faultLines,
    'JSON: first {"url"}, then, when it is stopped, {"answered", "calls", "faults": {name: n}}; GET /count says the same at any time.',
  ].join('\n'),
  arguments: [],
  flags: [
    { flags: '--port <n>', description: 'port to listen on; 0: one that is free', fallback: '0' },
    { flags: '--host <host>', description: 'address to listen on', fallback: '127.0.0.1' },
    { flags: '--faults <list>', description: 'all, or names with commas between them' },
    { flags: '--fault-rate <share>', description: 'share of calls that meet a fault', fallback: '0.2' },
    { flags: '--seed <n>', description: 'root of every random draw', fallback: '0' },
    { flags: '--latency <ms>', description: 'wait before every reply', fallback: '0' },
    { flags: '--retry-after <seconds>', description: 'what a 429 asks to wait', fallback: '1' },
    { flags: '--models <list>', description: 'the models that it has; others are unknown to it (default: any)' },
    { flags: '--key <key>', description: 'the key that it takes; others are refused (default: any, or none)' },
    { flags: '--context <tokens>', description: 'the longest prompt that it takes, in words', fallback: '16384' },
    { flags: '--count-file <file>', description: 'where to write the counts when it is stopped' },
    jsonFlag,
  ],
  examples: [
    'tripost fake-teacher --port 8080',
    'tripost fake-teacher --port 0 --faults all --seed 7 --latency 50 --count-file served.json --json',
  ],
  run: async (args, { out, json, note, signal }) => {
    const read = readFaults(args.text('faults') ?? '');
    if (!read.ok) return usage(`--faults: ${read.message}`);
    const settings = {
      seed: args.whole('seed') ?? 0,
      faults: read.faults,
      rate: rateOf(args),
      latencyMs: args.whole('latency') ?? 0,
      retryAfter: args.whole('retryAfter') ?? 1,
      models: listed(args.text('models')),
      key: args.text('key') ?? null,
      contextTokens: args.whole('context') ?? 16384,
    };
    const host = args.text('host') ?? '127.0.0.1';
    const file = args.text('countFile');
    const fake = createFake(settings, {
      httpDateIn: (seconds) => new Date(Date.now() + seconds * 1000).toUTCString(),
    });
    writeCount(file, fake.served());
    const listening = await listen(fake.handle, { host, port: portOf(args) })();
    if (E.isLeft(listening)) return stop(listening.left);
    const server = listening.right;
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}/v1`;
    if (json) await out.json({ url });
    else await out.line(`listening on ${url}`);
    note(`OPENAI_BASE_URL=${url}; Ctrl-C stops it`);
    if (!signal.aborted) await once(signal, 'abort');
    await server.close();
    const served = fake.served();
    writeCount(file, served);
    if (json) await out.json(served);
    else await out.line(`served ${served.calls} calls, ${served.answered} with an answer`);
    return 'ok';
  },
};
