import * as fc from 'fast-check';
import { canonicalJson, sha256 } from '../../events/digest';
import { runResumed } from '../../events/runResumed';
import { parts } from '../../projections/scoreboard';
import { table } from '../../src/cli/tables';
import { csv, measured } from '../../src/report/csv';
import { figuresOf } from '../../src/report/figures/all';
import { html } from '../../src/report/html';
import { json } from '../../src/report/json';
import { markdown } from '../../src/report/markdown';
import { escaped } from '../../src/report/markup';
import { terminal } from '../../src/report/terminal';
import { environment } from '../support/builders';
import { the } from '../support/events';
import { armsOf, documentOf, hostile, planted, plantedDocument, plantedLedger, type Planted } from './plantedAblation';

const document = plantedDocument();
const { report } = document;
const page = html(document);

/** Records of RFC 4180. */
const recordsOf = (text: string): readonly (readonly string[])[] => {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, bare = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    record.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
};

const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

/** The cells of an HTML table, by row. */
const cellsOf = (markup: string): readonly (readonly string[])[] =>
  [...markup.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell = '']) => unescaped(cell)),
  );

const htmlTable = (id: string): readonly (readonly string[])[] =>
  cellsOf(the(new RegExp(`<details id="table-${id}">([\\s\\S]*?)</details>`).exec(page)?.[1]));

describe('the JSON', () => {
  it('is the document, with the prefix, and a digest of the results alone', () => {
    expect(JSON.parse(json(document))).toEqual(JSON.parse(JSON.stringify(document)));
    expect(document.digest).toBe(sha256(canonicalJson(report)));
    expect(document.ledger).toMatchObject({ size: plantedLedger().events.length });
    expect(report.arms).toEqual(armsOf(planted));
    expect(report.comparisons).toHaveLength(10);
  });

  it('keeps its digest where more events lie behind', () => {
    const longer = plantedLedger();
    longer.add(runResumed, { runId: the(report.cells[0]).runId, codeVersion: 'later', environment });
    const after = documentOf(longer);
    expect(after.ledger.size).toBe(document.ledger.size + 1);
    expect(after.ledger.root).not.toBe(document.ledger.root);
    expect([after.digest, after.report]).toEqual([document.digest, report]);
  });
});

describe('the CSV', () => {
  const [head = [], ...records] = recordsOf(csv(document));

  it('has every number of every cell, exactly', () => {
    expect(head).toEqual(['ablation', 'arm', 'seed', 'iteration', 'metric', 'value', 'run', 'events', 'root']);
    const found = new Map(
      records.map(([, arm, seed, iteration, metric, value]) => [
        [arm, seed, iteration, metric].join('\n'),
        Number(value),
      ]),
    );
    expect(found.size).toBe(records.length);
    let count = 0;
    for (const { arm, seed, iterations } of report.cells)
      for (const of of iterations) {
        const at = (metric: string): number | undefined => found.get([arm, seed, of.iteration, metric].join('\n'));
        for (const part of parts) expect(at(`accuracy.${part}`)).toBe(of.scores[`accuracy.${part}`]);
        expect(at('cost.calls')).toBe(of.cost?.calls);
        expect(at('dataset.rows')).toBe(of.rows ?? undefined);
        expect(at('training.lastLoss')).toBe(of.curve.at(-1)?.loss);
        expect(at(`accuracyAfterAttempt.${of.byAttempt.length - 1}`)).toBe(of.scores['accuracy.total']);
        count += measured(of).length;
      }
    expect(records).toHaveLength(count);
    expect(new Set(records.map(([, arm]) => arm))).toEqual(new Set(report.arms));
    for (const [, , , , , , run, events, root] of records.slice(0, 3))
      expect([run, events, root]).toEqual([
        the(report.cells[0]).runId,
        String(document.ledger.size),
        document.ledger.root,
      ]);
  });
});

describe('the tables', () => {
  const tables = figuresOf(document).flatMap((figure) => figure.tables);

  it('are of the same numbers in HTML, in Markdown and on a terminal', () => {
    const text = markdown(document);
    const screen = terminal(
      document,
      (head, rows) => `\n${[head, ...rows].map((cells) => cells.join('\t')).join('\n')}\n`,
    );
    expect(tables.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        'scores',
        'comparisons',
        'comparisons-by-seed',
        'by-attempt',
        'flows',
        'sweep',
        'funnel',
        'curves',
        'cost',
        'provenance',
      ]),
    );
    const lines = new Set(text.split('\n').map((line) => line.replaceAll(/\\([\\`*_{}[\]<>#|~!&$])/g, '$1')));
    for (const { id, head, rows } of tables) {
      expect(htmlTable(id)).toEqual([head, ...rows]);
      expect(rows.filter((cells) => cells.length !== head.length)).toEqual([]);
      const inMarkdown = rows.filter((cells) => lines.has(`| ${cells.join(' | ')} |`));
      const onScreen = rows.filter((cells) => screen.includes(`\n${cells.join('\t')}\n`));
      expect([id, inMarkdown]).toEqual([id, id === 'curves' ? [] : rows]);
      expect([id, onScreen]).toEqual([id, id === 'curves' || id === 'provenance' ? [] : rows]);
    }
  });

  it('are of the numbers of the JSON, rounded', () => {
    for (const [i, cells] of the(tables.find(({ id }) => id === 'comparisons')).rows.entries()) {
      const one = the(report.comparisons[i]);
      expect([cells[0], cells[1], Number(cells[7]), cells[8]]).toEqual([
        one.arm,
        one.metric,
        Number((100 * one.difference).toFixed(1)),
        `${(100 * one.interval.low).toFixed(1)} to ${(100 * one.interval.high).toFixed(1)}`,
      ]);
    }
    for (const [i, cells] of the(tables.find(({ id }) => id === 'scores')).rows.entries()) {
      const one = the(report.byIteration[i]);
      const { mean, sd } = the(one.scores['accuracy.total'] ?? undefined);
      expect(cells[5]).toBe(`${(100 * mean).toFixed(1)} ± ${(100 * (sd ?? 0)).toFixed(1)}`);
    }
    // Whatever was lost and whatever was kept are the candidates again.
    const funnel = the(tables.find(({ id }) => id === 'funnel'));
    for (const { arm, iterations } of report.cells.filter(({ seed }) => seed === 1)) {
      const { derived } = the(iterations[1]);
      const { kept = 0, ...lost } = derived?.byReason ?? {};
      expect(kept + Object.values(lost).reduce((sum, n) => sum + n, 0)).toBe(derived?.candidates);
      for (const rule of Object.keys(lost)) expect(funnel.head).toContain(rule);
      expect(funnel.rows.map(([name]) => name)).toContain(arm);
    }
  });

  it('fit a real terminal table and say what is not finished', () => {
    const half = plantedDocument({ ...planted, unfinished: [the(armsOf(planted)[2])] });
    expect(terminal(half, table)).toContain('│ arm ');
    for (const write of [(d: typeof half) => terminal(d, table), markdown, html])
      expect(unescaped(write(half)).replaceAll('\\', '')).toContain(
        'not finished: tripost policy.balance.ratio=0.43, seed 1;',
      );
    expect(the(half.report.comparisons.map(({ arm }) => arm).find((arm) => arm.includes('0.2')))).toBeDefined();
    expect(half.report.comparisons.map(({ arm }) => arm)).not.toContain('tripost policy.balance.ratio=0.43');
    const figures = figuresOf(half);
    expect(the(figures.find(({ id }) => id === 'by-attempt')).tables[0]?.rows.map(([arm]) => arm)).not.toContain(
      'tripost policy.balance.ratio=0.43',
    );
  });
});

describe('the HTML', () => {
  it('has the same bytes for the same prefix', () => {
    expect(html(plantedDocument())).toBe(page);
    for (const value of [report.ablationId, document.ledger.root, document.digest, String(document.ledger.size)])
      expect(page).toContain(value);
  });

  it('fetches nothing and runs nothing', () => {
    expect(page).not.toMatch(
      /<script|<link|<img|<iframe|<object|<embed|@import|url\(|\son[a-z]+=|\sstyle=|javascript:/i,
    );
    expect(page.match(/https?:\/\/[^\s"<]*/g)).toBeNull();
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;sha256-`);
  });

  it('shows hostile names as text', () => {
    expect(page).not.toContain(hostile);
    expect(page).toContain(escaped(hostile));
    expect(markdown(document)).not.toContain(hostile);
  });

  it('is well-formed: every element is closed, ids are unique, what is referred to is there', () => {
    const open: string[] = [];
    const closed: (readonly [string | undefined, string])[] = [];
    for (const [, closing, name = ''] of page
      .slice('<!doctype html>'.length)
      .matchAll(/<(\/?)([a-zA-Z0-9]+)(?:\s[^<>]*)?>/g)) {
      if (['meta', 'input', 'br'].includes(name)) continue;
      if (closing === '') open.push(name);
      else closed.push([open.pop(), name]);
    }
    expect(open).toEqual([]);
    expect(closed.length).toBeGreaterThan(500);
    expect(closed.filter(([opened, name]) => opened !== name)).toEqual([]);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(id);
    for (const [, named = ''] of page.matchAll(/aria-labelledby="([^"]*)"/g))
      for (const id of named.split(' ')) expect(ids).toContain(id);
  });

  it('has a name, a description and a table for each picture, and can be walked through by keyboard', () => {
    const sections = [...page.matchAll(/<section[\s\S]*?<\/section>/g)].map(([section]) => section);
    const drawn = sections.filter((section) => section.includes('<figure'));
    expect(drawn).toHaveLength(8);
    for (const section of drawn) {
      const pictures = [
        ...section.matchAll(
          /<div class="picture" tabindex="0" role="region" aria-label="[^"]+"><svg [^>]*role="img"[^>]*><title [^>]*>[^<]+<\/title><desc [^>]*>[^<]+<\/desc>/g,
        ),
      ];
      expect(pictures.length).toBe([...section.matchAll(/<div class="picture"/g)].length);
      expect(section).toMatch(/<details [^>]*><summary>Table: /);
      expect(section).toMatch(/<th scope="col"/);
      expect(section).toMatch(/<th scope="row"/);
    }
  });

  it('draws a dot for every seed', () => {
    const section = the(/<section id="comparisons"[\s\S]*?<\/section>/.exec(page)?.[0]);
    expect([...section.matchAll(/<circle class="seed /g)]).toHaveLength(
      report.comparisons.length * planted.seeds.length,
    );
    expect([...section.matchAll(/<path class="mark /g)]).toHaveLength(report.comparisons.length);
  });

  it('tells arms apart by colour, shape and dash, up to 56 of them', () => {
    const many: Planted = {
      ...planted,
      arms: Array.from({ length: 30 }, (_, i) => `arm-${i}`),
      axis: [],
      seeds: [1],
      iterations: 1,
      items: 8,
      steps: 2,
    };
    const legend = the(/<ul class="legend">([\s\S]*?)<\/ul>/.exec(html(plantedDocument(many)))?.[1]);
    const styles = [
      ...legend.matchAll(
        /class="line (s\d)" d="[^"]*" stroke-dasharray="([^"]*)"[\s\S]*?class="mark s\d" d="([^"]*)"/g,
      ),
    ];
    expect(styles).toHaveLength(30);
    expect(new Set(styles.map(([, colour, dash, shape]) => [colour, dash, shape].join())).size).toBe(30);
  });
});

describe('a report with little in it', () => {
  it('is made where nothing has been scored', () => {
    const none = { ...planted, iterations: 0, seeds: [1], axis: [], unfinished: ['tripost', hostile] };
    const empty = plantedDocument(none);
    expect(empty.report.missing).toHaveLength(2);
    for (const text of [html(empty), markdown(empty), csv(empty), json(empty), terminal(empty, table)])
      expect(text).not.toMatch(/NaN|Infinity|undefined/);
    expect(csv(empty).split('\r\n')).toHaveLength(2);
  });

  it('has no NaN and no undefined, whatever its size', () => {
    for (const of of [
      planted,
      { ...planted, seeds: [7], axis: [], iterations: 1, steps: 0 },
      { ...planted, iterations: 0, axis: [] },
    ]) {
      const one = plantedDocument(of);
      for (const text of [html(one), markdown(one), csv(one), terminal(one, table)])
        expect(text).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

describe('text', () => {
  it('is escaped so that it comes back, and holds no markup', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = escaped(text);
        expect(written).not.toMatch(/[<>"']/);
        // oxlint-disable-next-line no-control-regex -- what HTML cannot hold
        expect(unescaped(written)).toBe(text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd'));
      }),
    );
  });
});
