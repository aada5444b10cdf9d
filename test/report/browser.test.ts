import { html } from '../../src/report/html';
import { domOf, findBrowser, screenshotOf } from '../support/browser';
import { the } from '../support/events';
import { pixelsOf, type Pixels } from '../support/png';
import { plantedDocument, planted, type Planted } from './plantedAblation';

jest.setTimeout(240_000);

const browser = findBrowser();
if (browser === undefined)
  process.stderr.write('no browser in PATH and no TRIPOST_BROWSER: the report is not looked at here\n');
const inBrowser = browser === undefined ? describe.skip : describe;

/** Looks at every text of every picture, and at what sticks out of the page. */
const measure = `
const found = { texts: 0, overlapping: [], outside: [], tooSmall: [], wide: 0, alerts: window.alerted ?? 0 };
for (const svg of document.querySelectorAll('figure svg')) {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map((element) => ({ text: element.lastChild.textContent, box: element.getBoundingClientRect() }));
  found.texts += texts.length;
  for (const [i, a] of texts.entries()) {
    if (a.box.left < frame.left - 1 || a.box.right > frame.right + 1 || a.box.top < frame.top - 1 || a.box.bottom > frame.bottom + 1) found.outside.push(a.text);
    if (a.box.height < 10) found.tooSmall.push(a.text);
    for (const b of texts.slice(i + 1)) {
      const x = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const y = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (x > 1 && y > 3) found.overlapping.push(a.text + ' / ' + b.text);
    }
  }
}
found.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
`;

interface Measured {
  readonly texts: number;
  readonly overlapping: readonly string[];
  readonly outside: readonly string[];
  readonly tooSmall: readonly string[];
  readonly wide: number;
  readonly alerts: number;
}

/** The page without the policy that forbids scripts, with one that measures it. */
const instrumented = (page: string, report: string): string =>
  page
    .replace(
      /<meta http-equiv="Content-Security-Policy"[^>]*>/,
      '<script>window.alert = () => { window.alerted = 1; };</script>',
    )
    .replace('</body>', () => `<script>${measure}${report}</script></body>`);

const decoded = (dom: string): Measured => {
  const [, text] = /<pre id="found">([\s\S]*?)<\/pre>/.exec(dom) ?? [];
  if (text === undefined) throw new Error(`nothing was measured: ${dom.slice(0, 300)}`);
  return JSON.parse(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
};

const write = (target: string): string =>
  `const pre = ${target}.createElement('pre'); pre.id = 'found'; pre.textContent = JSON.stringify(found); ${target}.body.append(pre);`;

const measuredAt = (program: string, page: string, width: number): Measured => {
  if (width >= 500) return decoded(domOf(program, instrumented(page, write('document')), width));
  // No window is narrower than 500 units: a frame is.
  const inner = instrumented(page, write('parent.document')).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return decoded(
    domOf(
      program,
      `<body><iframe style="width:${width}px;height:4000px;border:0" srcdoc="${inner}"></iframe></body>`,
      800,
    ),
  );
};

const withTheme = (page: string, theme: string): string =>
  page.replace(' checked', '').replace(`id="theme-${theme}"`, `id="theme-${theme}" checked`);

/** The share of pixels that differ from the first one, and that first one: the page's ground. */
const seen = ({
  width,
  height,
  at,
}: Pixels): { readonly ground: readonly number[]; readonly drawn: number; readonly colours: number } => {
  const ground = at(0, 0);
  const colours = new Set<string>();
  let drawn = 0;
  for (let y = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2) {
      const pixel = at(x, y);
      if (pixel.some((value, i) => Math.abs(value - (ground[i] ?? 0)) > 40)) drawn += 1;
      colours.add(pixel.join(' '));
    }
  return { ground, drawn: (4 * drawn) / (width * height), colours: colours.size };
};

const cases: readonly (readonly [string, Planted])[] = [
  ['six arms with long and hostile names, an axis, three seeds', planted],
  [
    'ten arms, one seed, one iteration, one unfinished',
    {
      ...planted,
      arms: 'abcdefghij'.split('').map((name) => `policy-${name}`),
      axis: [],
      seeds: [1],
      iterations: 1,
      unfinished: ['policy-c'],
    },
  ],
  [
    'names in a wide script',
    {
      ...planted,
      arms: ['基準となる方策の名前が長い場合'.repeat(6), 'b'],
      axis: [0.05, 0.051, 12345.678],
      steps: 1000,
    },
  ],
];

inBrowser('the HTML report in a browser', () => {
  const program = browser ?? '';
  const pages = cases.map(([name, of]) => [name, html(plantedDocument(of))] as const);

  it.each(pages)('shows every text whole and apart from every other: %s', (_, page) => {
    for (const width of [1100, 360]) {
      const { texts, ...found } = measuredAt(program, page, width);
      expect(texts).toBeGreaterThan(60);
      expect([width, found]).toEqual([width, { overlapping: [], outside: [], tooSmall: [], wide: 0, alerts: 0 }]);
    }
  });

  it('runs nothing: a script in the page stays dead, even one that was put there unescaped', () => {
    const [, page] = the(pages[0]);
    const attacked = page.replace('</h1>', () => '</h1><script>document.title = "taken"</script>');
    expect(domOf(program, attacked, 800)).not.toContain('<title>taken');
    const unguarded = attacked.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
    expect(domOf(program, unguarded, 800)).toContain('<title>taken');
  });

  it('is light or dark as it is asked, with pictures in several colours', () => {
    const [, page] = the(pages[0]);
    const [light, dark] = ['light', 'dark'].map((theme) =>
      seen(pixelsOf(screenshotOf(program, withTheme(page, theme), 900, 1500))),
    );
    expect(light?.ground).toEqual([255, 255, 255]);
    expect(dark?.ground).toEqual([20, 23, 26]);
    for (const view of [light, dark]) {
      expect(view?.drawn).toBeGreaterThan(0.02);
      expect(view?.drawn).toBeLessThan(0.5);
      expect(view?.colours).toBeGreaterThan(30);
    }
  });
});
