import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { entries } from '../src/cli/commands';
import { exitCodes, exitCodeTable } from '../src/cli/exitCodes';
import { ask, wordsOf } from './cli/ask';

const root = join(__dirname, '..');
const read = (name: string): string => {
  const file = join(root, name);
  if (!existsSync(file)) throw new Error(`${name} is missing`);
  return readFileSync(file, 'utf8');
};

/** The lines of fenced blocks, continuation lines joined. */
const commandLines = (text: string): readonly string[] =>
  [...text.matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .map((line) => line.replace(/^\$ /, '').trim()),
  );

describe('README.md', () => {
  it.each(entries.map(({ name }) => name))('names the command %s', (name) => {
    expect(read('README.md')).toMatch(new RegExp(`tripost ${name}\\b|\`${name}\\b`));
  });

  it('shows commands that the command line understands', async () => {
    const lines = commandLines(read('README.md')).filter((line) => /(^|&& |\| )(npx )?tripost /.test(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const words = wordsOf(line);
      const { asked, err, out } = await ask(words);
      expect([line, asked !== undefined || out !== '', err]).toEqual([line, true, '']);
    }
  });

  it('has the exit codes as they are', () => {
    const rows = read('README.md')
      .split('\n')
      .filter((line) => /^\| *\d+ *\|/.test(line));
    const tidy = (line: string): string => line.replaceAll(/\s*\|\s*/g, '|');
    const wanted = exitCodeTable().split('\n').slice(2).map(tidy);
    expect(wanted).toHaveLength(Object.keys(exitCodes).length);
    expect(rows.map(tidy)).toEqual(expect.arrayContaining(wanted));
  });

  it('has a folder tree with every folder', () => {
    const skipped = new Set(['node_modules', 'dist', 'demo', 'gain', 'make-student', 'coverage']);
    const folders = (at: string): readonly string[] =>
      readdirSync(join(root, at), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !skipped.has(entry.name))
        .map((entry) => entry.name);
    const text = read('README.md');
    expect([...folders('.'), ...folders('src')].filter((name) => !text.includes(`${name}/`))).toEqual([]);
  });
});

describe('CONTRIBUTING.md', () => {
  it('names every dependency', () => {
    const {
      dependencies,
      devDependencies,
    }: Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>> = JSON.parse(read('package.json'));
    const text = read('CONTRIBUTING.md');
    expect(Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !text.includes(name))).toEqual([]);
  });
});

describe('.npmrc', () => {
  it('has the one line that switches CUDA on, which the doctor prints too', () => {
    const line = 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node';
    expect(read('.npmrc')).toContain(line);
    expect(read('src/cli/cuda/report.ts')).toContain(line);
  });
});
