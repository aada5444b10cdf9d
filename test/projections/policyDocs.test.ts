import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultOf } from '../../projections/policies/change';
import { isMapping, type Json } from '../../events/digest';
import { Policy } from '../../projections/policies/policy';
import { presetNames } from '../../projections/policies/presets';
import { updating } from '../support/golden';
import { presetText } from './policyFiles';

const file = join(__dirname, '../../docs/policies.md');
const docs = (): string => readFileSync(file, 'utf8');

/** A row for every setting, from the schema; weights are one by one in the sentence below the table. */
const settingRows = (schema: Json | undefined, at: string): readonly string[] => {
  const properties = isMapping(schema) ? schema['properties'] : undefined;
  if (isMapping(properties))
    return Object.entries(properties).flatMap(([key, below]) =>
      key === 'weights' ? [] : settingRows(below, at === '' ? key : `${at}.${key}`),
    );
  const given = isMapping(schema) ? schema['description'] : undefined;
  const description = typeof given === 'string' ? given : '';
  const usual = defaultOf(at);
  const shown =
    at === 'split.keep' || at === 'split.changes' ? 'all' : usual === undefined ? '' : `\`${JSON.stringify(usual)}\``;
  return [`| \`${at}\` | ${shown} | ${description} |`];
};

describe('docs/policies.md', () => {
  it('has every setting as the codec says it: UPDATE_GOLDEN=1 writes the table', () => {
    const rows = settingRows(Policy.schema, '').join('\n');
    const table = /(\| setting \| default \| what it says \|\n\|---\|---\|---\|\n)[\s\S]*?\n\n/;
    expect(docs()).toMatch(table);
    const wanted = docs().replace(table, (_, head: string) => `${head}${rows}\n\n`);
    if (updating()) writeFileSync(file, wanted);
    expect(docs()).toBe(wanted);
  });

  const rows = docs()
    .split('\n')
    .filter((line) => /^\| `[a-z0-9-]+` \| (arXiv|§)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it('has a row for every preset, and no other', () => {
    expect(rows).toHaveLength(presetNames.length);
    expect(new Set(rows.map(([, name]) => name))).toEqual(new Set(presetNames.map((name) => `\`${name}\``)));
    for (const cells of rows) {
      expect(cells).toHaveLength(6);
      expect(cells.slice(3, 5).every((cell) => cell !== '')).toBe(true);
    }
  });

  it.each(presetNames)('names the source that %s names', (name) => {
    const source = rows.find(([, each]) => each === `\`${name}\``)?.[2] ?? 'none';
    expect(presetText(name).replaceAll('\n# ', ' ')).toContain(source.replace('§ ', '§'));
  });

  it.each(presetNames)('%s has one paragraph, and no line of it is over-long', (name) => {
    const head = presetText(name).split('policy: 1\n')[0] ?? '';
    const lines = head.trim().split('\n').slice(1);
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(lines.every((line) => /^# \S/.test(line) && line.length <= 124)).toBe(true);
    expect(lines.at(-1)).toMatch(/\.$/);
  });
});
