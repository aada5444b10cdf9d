import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Served } from '../../src/fakeTeacher/fakeTeacher';
import { must } from '../support/events';
import { endpointAt } from '../support/fakeServer';
import { runCli, type Ran } from '../support/cliBuild';

const here = mkdtempSync(join(tmpdir(), 'tripost-fake-'));
afterAll(() => rmSync(here, { recursive: true, force: true }));

const request = (content: string) => ({
  prompt: [{ role: 'user' as const, content }],
  sampling: { temperature: 0, topK: null, topP: null, maxTokens: 16 },
  key: [content],
});

const get = async (url: string): Promise<unknown> => (await fetch(url)).json();

/** Runs the command, lets something use its server, and stops it as a person would. */
const serving = async (args: readonly string[], use: (url: string) => Promise<void>): Promise<Ran> => {
  let using: Promise<void> | undefined;
  let failure: unknown;
  const ran = await runCli(['fake-teacher', '--json', ...args], {
    cwd: here,
    during: (child) => {
      let out = '';
      child.stdout?.on('data', (text: string) => {
        out += text;
        if (using !== undefined || !out.includes('\n')) return;
        const { url }: { readonly url: string } = JSON.parse(out.split('\n')[0] ?? '');
        using = use(url)
          .catch((thrown: unknown) => {
            failure = thrown;
          })
          .finally(() => child.kill('SIGINT'));
      });
    },
  });
  if (failure !== undefined) throw failure;
  return ran;
};

const countsOf = ({ stdout }: Ran): Served => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

describe('fake-teacher, as a process', () => {
  it('serves until Ctrl-C, counts, and ends well', async () => {
    const file = join(here, 'count.json');
    const ran = await serving(['--count-file', file, '--models', 'a,b', '--seed', '3'], async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
      const endpoint = endpointAt(url, { model: 'a' });
      const asked = must(endpoint.plan(request('hello')));
      const [one, two] = [must(await endpoint.attempt(asked)), must(await endpoint.attempt(asked))];
      expect(one.samples).toEqual(two.samples);
      const unknown = endpointAt(url, { model: 'c' });
      expect(await unknown.attempt(must(unknown.plan(request('hello'))))).toMatchObject({
        left: { kind: 'model-unknown', status: 404 },
      });
      expect(await get(url.replace(/\/v1$/, '/count'))).toEqual({ calls: 3, answered: 2, faults: {} });
      expect(await get(`${url}/models`)).toMatchObject({ data: [{ id: 'a' }, { id: 'b' }] });
      expect(await get(`${url}/nothing`)).toMatchObject({ error: { code: 'not_found' } });
    });
    expect(ran.code).toBe(0);
    expect(countsOf(ran)).toEqual({ calls: 3, answered: 2, faults: {} });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(countsOf(ran));
  });

  it('stops at once, also while a reply hangs', async () => {
    const ran = await serving(['--faults', 'hang', '--fault-rate', '1'], async (url) => {
      const endpoint = endpointAt(url, { timeoutMs: 200 });
      expect(await endpoint.attempt(must(endpoint.plan(request('hello'))))).toMatchObject({
        left: { kind: 'timeout' },
      });
      void endpointAt(url).attempt(must(endpoint.plan(request('hello'))));
      const counted = url.replace(/\/v1$/, '/count');
      while (!JSON.stringify(await get(counted)).includes('"calls":2'));
    });
    expect([ran.code, countsOf(ran)]).toEqual([0, { calls: 2, answered: 0, faults: { hang: 2 } }]);
  });

  it.each([
    [['--faults', 'cutt'], 'there is no fault "cutt"'],
    [['--fault-rate', '2'], 'expected a share from 0 to 1'],
    [['--port', '70000'], 'expected 0 to 65535'],
    [['--host', '203.0.113.1'], 'Cannot listen on 203.0.113.1:0'],
  ])('%j is wrong usage', async (args, message) => {
    const ran = await runCli(['fake-teacher', ...args], { cwd: here });
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain(message);
  });
});
