import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../events/digest';
import { jsonOf, runCli, tinyIteration, tinyLedger, type Ran } from '../support/cliBuild';
import { the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(120_000);
afterAll(removeFolders);

let folder: string;
let ledger: string;
let dataset: string;
beforeAll(() => {
  folder = newFolder();
  ledger = tinyLedger(folder);
  dataset = the(tinyIteration(2).dataset ?? undefined);
});

const run = (...args: readonly string[]): Promise<Ran> => runCli(args);
const json = async (...args: readonly string[]) => {
  const ran = await runCli([...args, '--json']);
  if (ran.code !== 0) throw new Error(`exit ${ran.code}: ${ran.stderr}`);
  return jsonOf(ran);
};
const out = (name: string): string => join(folder, name);
const exported = (format: string, to: string, ...more: readonly string[]) =>
  json('export', dataset, '--format', format, '--out', to, '--ledger', ledger, ...more);

interface Logged {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}
const logged = async (of: string, type: string): Promise<readonly Logged[]> => {
  const { stdout } = await run('log', '--type', type, '--json', '--ledger', of);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Logged => JSON.parse(line));
};
const filesOf = (at: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(at, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(at.length + 1), sha256(readFileSync(path))]),
  );

describe('export', () => {
  it.each(['parquet', 'openai', 'openlineage'])(
    'as %s: the files that it names, and nothing beside them',
    async (format) => {
      const to = out(`one-${format}`);
      const told = await exported(format, to);
      expect(told).toMatchObject({ dataset, format, out: to, rows: tinyIteration(2).rows });
      expect(filesOf(to)).toEqual(told.files);
      expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    },
  );

  it('as text tells every file and every loss', async () => {
    const ran = await run('export', 'latest', '--format', 'trl', '--out', out('text'), '--ledger', ledger);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toContain(`dataset ${dataset}: ${tinyIteration(2).rows} rows as trl`);
    expect(ran.stdout).toMatch(/[0-9a-f]{64} {2}data\/train\.jsonl/);
    expect(ran.stdout).toContain('not held: prompt sections of weight 1 count as 0');
  });

  it('to a path that is taken is refused, whatever is there', async () => {
    const file = out('a-file.parquet');
    writeFileSync(file, 'mine');
    const home = out('a-folder');
    mkdirSync(home);
    writeFileSync(join(home, 'thesis.tex'), 'mine');
    for (const to of [file, home]) {
      for (const force of [[], ['--force']]) {
        const ran = await run('export', dataset, '--out', to, '--ledger', ledger, ...force);
        expect([ran.code, ran.stdout]).toEqual([2, '']);
        expect(ran.stderr).toContain(`Refused to overwrite ${to}: it is`);
      }
    }
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readFileSync(join(home, 'thesis.tex'), 'utf8')).toBe('mine');
  });

  it('over an export of ours needs --force, and replaces it whole', async () => {
    const to = out('again');
    await exported('openai', to);
    const refused = await run('export', dataset, '--format', 'parquet', '--out', to, '--ledger', ledger);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--force replaces an export')]);
    expect(existsSync(join(to, 'provenance.jsonl'))).toBe(true);
    const told = await exported('parquet', to, '--force');
    expect(filesOf(to)).toEqual(told.files);
  });

  it('is asked for in vain', async () => {
    const base = ['export', dataset, '--ledger', ledger] as const;
    const refusals = await Promise.all([
      run(...base),
      run(...base, '--out', out('x'), '--format', 'trl', '--eos', '</s>'),
      run(...base, '--out', out('x'), '-S', 'licence=mit'),
      run('export', 'abcdef12', '--out', out('x'), '--ledger', ledger),
      run(...base, '--out', join(ledger, 'below-a-file')),
    ]);
    expect(refusals.map(({ code }) => code)).toEqual([2, 2, 2, 2, 14]);
    expect(refusals.map(({ stderr }) => stderr.split('\n')[0])).toEqual([
      expect.stringContaining('option --out is needed'),
      expect.stringContaining('--bos and --eos are for --format axolotl'),
      expect.stringContaining('expected license=…, url=…, creator=…, datePublished=…, got "licence=mit"'),
      expect.stringContaining('There is no dataset "abcdef12"'),
      expect.stringContaining('Cannot write'),
    ]);
    expect(existsSync(out('x'))).toBe(false);
  });

  it('writes what only its publisher knows', async () => {
    const to = out('about');
    await exported('croissant', to, '-S', 'license=mit', '-S', 'creator=Ana', '-S', 'url=https://example.org/=');
    expect(readFileSync(join(to, 'README.md'), 'utf8')).toContain('\nlicense: mit\n');
    const croissant = JSON.parse(readFileSync(join(to, 'croissant.json'), 'utf8'));
    expect(croissant).toMatchObject({ license: 'mit', url: 'https://example.org/=', creator: { name: 'Ana' } });
  });
});

describe('import --format dataset', () => {
  const importInto = (to: string, path: string) => json('import', '--format', 'dataset', path, '--ledger', to);

  it.each([
    ['jsonl', ''],
    ['parquet', ''],
    ['croissant', ''],
    ['jsonl', 'data/train.jsonl'],
    ['parquet', 'data/train-00000-of-00001.parquet'],
  ])('takes %s/%s: the same digest, and the same files when it is exported again', async (format, part) => {
    const first = out(`from-${format}-${part.length}`);
    const told = await exported(format, first);
    const other = join(newFolder(), 'other.db');
    const imported = await importInto(other, join(first, part));
    const alone = part.endsWith('.jsonl');
    expect(imported).toMatchObject({ dataset, rows: told.rows, known: false, policy: alone ? null : { name: 'tiny' } });
    const again = `${first}-again`;
    await json('export', 'latest', '--format', format, '--out', again, '--ledger', other);
    // JSON Lines alone say nothing of their derivation, so what is written of it differs.
    const same = alone ? { 'data/train.jsonl': dataset } : told.files;
    expect(filesOf(again)).toMatchObject(same);
  });

  it('can be trained on, is traced, and says of itself that nothing here decided its rows', async () => {
    const first = out('to-train');
    await exported('parquet', first);
    const other = join(newFolder(), 'other.db');
    await importInto(other, first);
    expect(await importInto(other, first)).toMatchObject({ dataset, known: true });
    expect(await logged(other, 'DatasetImported')).toHaveLength(1);
    expect(await json('verify', '--blobs', '--ledger', other)).toMatchObject({ blobs: { checked: 1, missing: [] } });
    const model = out('model');
    await json('export-student', 'latest', model, '--ledger', ledger);
    const trained = await json(
      'train',
      '--dataset',
      dataset,
      '--base',
      model,
      '-S',
      'steps=2',
      '-S',
      'batchSize=2',
      '--ledger',
      other,
    );
    expect(trained).toMatchObject({ dataset, steps: 2 });
    const traced = await run('trace', dataset, '--ledger', other);
    expect(traced.stdout).toMatch(/DatasetImported \S+ format=parquet/);
    expect(traced.stdout).toContain('name=tiny says=the file');
    const row = await run('trace', 'latest#0', '--text', '--ledger', other);
    expect(row.stdout).toContain('trained by');
    const why = await run('why', 'latest#0', '--dataset', dataset, '--ledger', other);
    expect([why.code, why.stderr]).toEqual([
      2,
      expect.stringContaining('was imported: its decisions are with the ledger'),
    ]);
  });

  it('of a dataset that was derived here changes nothing', async () => {
    const to = out('own');
    await exported('jsonl', to);
    expect(await importInto(ledger, to)).toMatchObject({ dataset, known: true });
    expect(await logged(ledger, 'DatasetImported')).toEqual([]);
  });

  it('of a file that was changed, or is none, is refused whole', async () => {
    const to = out('to-change');
    await exported('jsonl', to);
    const data = join(to, 'data/train.jsonl');
    const lines = readFileSync(data, 'utf8').trimEnd().split('\n');
    const other = join(newFolder(), 'other.db');
    const refused = async (path: string, message: string): Promise<void> => {
      const ran = await run('import', '--format', 'dataset', path, '--ledger', other);
      expect([ran.code, ran.stdout]).toEqual([2, '']);
      expect(ran.stderr).toContain(message);
      expect(existsSync(other)).toBe(false);
    };
    writeFileSync(data, `${lines.slice(1).join('\n')}\n`);
    await refused(to, 'the file was changed');
    writeFileSync(data, `${lines[0]}\n{"id": 3}\n`);
    await refused(data, 'line 2: ');
    writeFileSync(data, Buffer.concat([Buffer.from(`${lines[0]}\n`), Buffer.from([0x7b, 0xff, 0x7d])]));
    await refused(data, 'line 2: not UTF-8');
    await refused(join(to, 'README.md'), 'expected the folder of an export');
    await refused(join(to, 'data'), 'Cannot read');
    await exported('trl', out('no-rows'));
    await refused(out('no-rows'), 'an export as trl does not hold whole rows');
  });
});

describe('import --format big-bench', () => {
  const examples = [
    { input: 'pear fig apple', target: 'apple fig pear' },
    { input: 'b a', target: ['a b'] },
    { input: 'pear fig apple', target: 'apple fig pear' },
  ];
  const write = (name: string, text: string | Uint8Array): string => {
    const path = join(newFolder(), name);
    writeFileSync(path, text);
    return path;
  };

  it('poses its problems, each once, with the number of its example', async () => {
    const path = write('task.json', JSON.stringify({ name: 'word_sorting', examples }));
    const to = join(newFolder(), 'l.db');
    const told = await json(
      'import',
      '--format',
      'big-bench',
      '--task',
      'word-sorting',
      '--split',
      'test',
      path,
      '--ledger',
      to,
    );
    expect(told).toMatchObject({ format: 'big-bench', lines: 3, problems: 2, added: 2, duplicates: 1, split: 'test' });
    const posed = await logged(to, 'ProblemPosed');
    expect(posed.map(({ data }) => [data['options'], data['answer'], data['rationale']])).toEqual([
      ['List: pear fig apple', 'apple fig pear', null],
      ['List: b a', 'a b', null],
    ]);
    expect(posed[1]?.data['source']).toMatchObject({ kind: 'imported', line: 2 });
  });

  it.each([
    ['is no JSON', '{"examples": [\n{"input": }]}', 'line 2: it is no JSON'],
    ['is not UTF-8', Buffer.from([0x7b, 0x0a, 0xc3, 0x28]), 'line 2: not UTF-8'],
    ['has a bad example', JSON.stringify({ examples: [...examples, { input: 'x' }] }), 'example 4: target is no text'],
    ['has no examples', '{"examples": []}', 'the file holds no problems'],
  ])('refuses a file that %s', async (_, text, message) => {
    const to = join(newFolder(), 'l.db');
    const path = write('task.json', text);
    const ran = await run('import', '--format', 'big-bench', '--task', 'word-sorting', path, '--ledger', to);
    expect([ran.code, existsSync(to)]).toEqual([2, false]);
    expect(ran.stderr).toContain(message);
  });
});

describe('import --format messages', () => {
  const attempt = [
    '(1) The first letter: "pear"="p" (16), "fig"="f" (6).',
    '(2) We now have: (6) "fig" < (16) "pear".',
    '(3) Hence, we have "fig" < "pear".',
    '(Final response) So the answer is: fig pear.',
  ].join('\n');
  const asked = 'Sort the following words alphabetically:\nList: pear fig';
  const line = (content: string, model?: string): string =>
    JSON.stringify({
      messages: [
        { role: 'user', content: asked },
        { role: 'assistant', content },
      ],
      model,
    });

  /** A ledger with one problem, and a log of these lines. */
  const ready = async (lines: readonly string[]) => {
    const at = newFolder();
    const to = join(at, 'l.db');
    const problems = join(at, 'task.json');
    writeFileSync(problems, JSON.stringify({ examples: [{ input: 'pear fig', target: 'fig pear' }] }));
    await json('import', '--format', 'big-bench', '--task', 'word-sorting', problems, '--ledger', to);
    const path = join(at, 'chats.jsonl');
    writeFileSync(path, lines.join('\n'));
    return { to, path };
  };
  const importChats = (path: string, to: string, ...more: readonly string[]): Promise<Ran> =>
    run('import', '--format', 'messages', '--task', 'word-sorting', path, '--ledger', to, '--json', ...more);

  it('makes trajectories of them, which a policy takes', async () => {
    const { to, path } = await ready([line(attempt, 'gpt-x'), '', line(attempt.replaceAll('(6)', '(7)'), 'gpt-x')]);
    const told = jsonOf(await importChats(path, to));
    expect(told).toMatchObject({ answers: 2, added: 2, known: 0, outcomes: { solved: 2 } });
    expect(jsonOf(await importChats(path, to))).toMatchObject({ added: 0, known: 2 });
    const [first] = await logged(to, 'GenerationProduced');
    expect(first?.data).toMatchObject({
      model: { kind: 'endpoint', name: 'gpt-x' },
      prompt: asked,
      text: `\n${attempt}`,
    });
    const derived = await json('derive', '--policy', 'tripost-no-balance', '--ledger', to);
    expect(derived).toMatchObject({ byBucket: { SI: 1, T: 2 } });
    const verified = await run('verify', '--ledger', to);
    expect(verified.code).toBe(0);
  });

  it('needs to know who answered', async () => {
    const { to, path } = await ready([line(attempt)]);
    const refused = await importChats(path, to);
    expect([refused.code, refused.stdout]).toEqual([
      2,
      expect.stringContaining('line 1: it names no model: give --model'),
    ]);
    expect(jsonOf(await importChats(path, to, '--model', 'mine', '--temperature', '0'))).toMatchObject({ added: 1 });
    expect((await logged(to, 'GenerationProduced'))[0]?.data).toMatchObject({ sampling: { temperature: 0 } });
  });

  it('writes nothing where one line is bad', async () => {
    const other = JSON.stringify({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Ho' },
      ],
    });
    const { to, path } = await ready([line(attempt, 'gpt-x'), other]);
    const refused = await importChats(path, to);
    expect([refused.code, refused.stdout]).toEqual([
      2,
      expect.stringContaining('line 2: no problem of set word-sorting-'),
    ]);
    writeFileSync(path, `${line(attempt, 'gpt-x')}\n{"messages": 3}\n`);
    expect((await importChats(path, to)).stdout).toContain('line 2: messages is missing or no list');
    expect(await logged(to, 'GenerationProduced')).toEqual([]);
    expect(await logged(to, 'CollectionStarted')).toEqual([]);
  });

  it('refuses flags that mean nothing to the format', async () => {
    const { to, path } = await ready([line(attempt, 'gpt-x')]);
    const ran = await importChats(path, to, '--split', 'test');
    expect([ran.code, ran.stdout]).toEqual([2, expect.stringContaining('--split is not for --format messages')]);
  });
});
