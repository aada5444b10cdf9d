/** Finished HTML or SVG. Made by `h` alone, so that everything else is text and escaped. */
export interface Markup {
  readonly html: string;
}

export type Child = Markup | string | number | null | readonly Child[];

const replaced: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it, in content and in quoted attributes; control characters, which HTML has no way to write, as U+FFFD. */
export const escaped = (text: string): string =>
  text
    .replaceAll(/[&<>"']/g, (sign) => replaced[sign] ?? sign)
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd');

/** A coordinate, to a hundredth of a unit. */
export const coordinate = (value: number): string => String(Number(value.toFixed(2)));

const htmlOf = (child: Child): string => {
  if (child === null) return '';
  if (typeof child === 'string') return escaped(child);
  if (typeof child === 'number') return escaped(String(child));
  return 'html' in child ? child.html : child.map(htmlOf).join('');
};

const isVoid = new Set(['meta', 'input', 'br']);

/** An element. Numbers as attributes are coordinates; `true` is an attribute without value, `false` and null leave it out. */
export const h = (
  name: string,
  attributes: Readonly<Record<string, string | number | boolean | null>>,
  ...children: readonly Child[]
): Markup => {
  const written = Object.entries(attributes).map(([key, value]) => {
    if (value === null || value === false) return '';
    if (value === true) return ` ${key}`;
    return ` ${key}="${typeof value === 'number' ? coordinate(value) : escaped(value)}"`;
  });
  const open = `<${name}${written.join('')}>`;
  return { html: isVoid.has(name) ? open : `${open}${htmlOf(children)}</${name}>` };
};

/** The content of `style`: our own, never of a ledger. */
export const styleElement = (css: string): Markup => ({ html: `<style>${css}</style>` });
