import type { Offset, Unit } from './calendar';

const cardinals = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
] as const;
const ordinals = [
  'zeroth',
  'first',
  'second',
  'third',
  'fourth',
  'fifth',
  'sixth',
  'seventh',
  'eighth',
  'ninth',
  'tenth',
  'eleventh',
  'twelfth',
] as const;

export const cardinalPattern = String.raw`(?:\d{1,4}|an?|${cardinals.slice(1).join('|')})`;
export const ordinalPattern = String.raw`(?:\d{1,3}(?:st|nd|rd|th)|${ordinals.slice(1).join('|')})`;

/** `a`, `ten` or `10`. */
export const cardinalNumber = (word: string): number | undefined => {
  const lower = word.toLowerCase();
  if (/^\d+$/.test(lower)) return Number(lower);
  if (/^an?$/.test(lower)) return 1;
  const at = cardinals.findIndex((each) => each === lower);
  return at < 0 ? undefined : at;
};

/** `third` or `3rd`. */
export const ordinalNumber = (word: string): number | undefined => {
  const digits = /^(\d+)(?:st|nd|rd|th)$/i.exec(word)?.[1];
  if (digits !== undefined) return Number(digits);
  const at = ordinals.findIndex((each) => each === word.toLowerCase());
  return at < 0 ? undefined : at;
};

/** `1st`, `22nd`, `113th`. */
export const ordinalText = (n: number): string => {
  const teen = n % 100 > 10 && n % 100 < 14;
  return `${n}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`;
};

const isUnit = (word: string): word is Unit => ['day', 'week', 'month', 'year'].includes(word);

/** So many of a unit (hours in whole days) as an offset; undefined where they are no whole days. */
export const offsetOf = (count: string, unit: string): Offset | undefined => {
  const n = cardinalNumber(count);
  const lower = unit.toLowerCase();
  if (n === undefined) return undefined;
  if (lower === 'hour') return n % 24 === 0 ? { count: n / 24, unit: 'day' } : undefined;
  return isUnit(lower) ? { count: n, unit: lower } : undefined;
};

/** `one week`, `3 months`. */
export const lengthText = ({ count, unit }: Offset): string => {
  const n = Math.abs(count);
  return n === 1 ? `one ${unit}` : `${n} ${unit}s`;
};
