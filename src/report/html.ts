import { sha256 } from '../../events/digest';
import type { ReportDocument } from '../../projections/ablation/reportDocument';
import type { Figure } from './figure';
import { figuresOf } from './figures/all';
import { headOf, missingText } from './heading';
import { h, styleElement, type Markup } from './markup';
import type { ReportTable } from './reportTable';
import { style } from './style';

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

/** Nothing is fetched and nothing runs, whatever is in the page: only this very style counts. */
const contentSecurity = `default-src 'none'; style-src 'sha256-${base64(sha256(style))}'; base-uri 'none'; form-action 'none'`;

const tableMarkup = ({ id, title, notes, labels, head, rows }: ReportTable): Markup =>
  h(
    'details',
    { id: `table-${id}` },
    h('summary', {}, `Table: ${title}`),
    notes.length === 0 ? null : h('p', { class: 'note' }, notes.join(' ')),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Table: ${title}` },
      h(
        'table',
        {},
        h('caption', {}, title),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            head.map((text, i) => h('th', { scope: 'col', class: i < labels ? 'l' : null }, text)),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map((cells) =>
            h(
              'tr',
              {},
              cells.map((text, i) =>
                i === 0
                  ? h('th', { scope: 'row', class: 'l' }, text)
                  : h('td', { class: i < labels ? 'l' : null }, text),
              ),
            ),
          ),
        ),
      ),
    ),
  );

const figureMarkup = ({ id, title, text, pictures, legend, tables }: Figure): Markup =>
  h(
    'section',
    { id, 'aria-labelledby': `${id}-h` },
    h('h2', { id: `${id}-h` }, title),
    h('p', {}, text),
    legend,
    pictures.length === 0
      ? null
      : h(
          'figure',
          { class: 'pictures' },
          pictures.map((picture) =>
            h('div', { class: 'picture', tabindex: '0', role: 'region', 'aria-label': `Picture: ${title}` }, picture),
          ),
        ),
    tables.map(tableMarkup),
  );

const themes = [
  ['auto', 'as the system'],
  ['light', 'light'],
  ['dark', 'dark'],
] as const;

const themeSwitch = h(
  'fieldset',
  {},
  h('legend', {}, 'Colours'),
  themes.map(([name, label]) =>
    h(
      'label',
      {},
      h('input', { type: 'radio', name: 'theme', id: `theme-${name}`, autocomplete: 'off', checked: name === 'auto' }),
      label,
    ),
  ),
);

/**
 * The report as one HTML file: pictures as inline SVG, each with its tables; no script, no network. A function of the document
 * alone: the same prefix of a ledger gives the same bytes.
 */
export const html = (document: ReportDocument): string => {
  const figures = figuresOf(document);
  const title = `${document.report.name}: ablation report`;
  const page = h(
    'html',
    { lang: 'en' },
    h(
      'head',
      {},
      h('meta', { charset: 'utf-8' }),
      h('meta', { 'http-equiv': 'Content-Security-Policy', content: contentSecurity }),
      h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
      h('meta', { name: 'color-scheme', content: 'light dark' }),
      h('title', {}, title),
      styleElement(style),
    ),
    h(
      'body',
      {},
      h('a', { class: 'skip', href: '#main' }, 'To the report'),
      h(
        'header',
        {},
        h('h1', {}, title),
        themeSwitch,
        h(
          'dl',
          {},
          headOf(document).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
        ),
        missingText(document.report).map((text) => h('p', { class: 'missing' }, text)),
        h(
          'nav',
          { 'aria-label': 'Parts' },
          h(
            'ul',
            {},
            figures.map(({ id, title: name }) => h('li', {}, h('a', { href: `#${id}` }, name))),
          ),
        ),
      ),
      h('main', { id: 'main' }, figures.map(figureMarkup)),
      h(
        'footer',
        {},
        'Made by tripost report from the ledger prefix above; the same prefix gives the same bytes. Every number is that of tripost report --format json, rounded.',
      ),
    ),
  );
  return `<!doctype html>\n${page.html}\n`;
};
