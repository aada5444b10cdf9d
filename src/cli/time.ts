import { usage } from './faults';

/** What a person's time covers, in milliseconds since 1970, both ends inclusive: a day is from its first to its last one. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

const form = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Milliseconds that the smallest unit given covers. */
const unitOf = (minutes?: string, seconds?: string, fraction?: string): number => {
  if (minutes === undefined) return 86_400_000;
  if (seconds === undefined) return 60_000;
  return fraction === undefined ? 1000 : 10 ** (3 - fraction.length);
};

/**
 * An ISO 8601 time: `2026-11-24`, `2026-11-24T12:44`, `2026-11-24T12:44:05.120+01:00`. Without a zone it is UTC, as all
 * times on the ledger are. Undefined: it is no such time.
 */
export const parseTime = (text: string): TimeSpan | undefined => {
  const [, day, minutes, seconds, fraction, zone] = form.exec(text) ?? [];
  if (day === undefined) return undefined;
  const noon = Date.parse(`${day}T12:00:00Z`);
  // 30 February is taken for 2 March by some engines.
  if (Number.isNaN(noon) || new Date(noon).toISOString().slice(0, 10) !== day) return undefined;
  const time = `${minutes ?? '00:00'}:${seconds ?? '00'}.${(fraction ?? '').padEnd(3, '0')}`;
  const from = Date.parse(`${day}T${time}${zone ?? 'Z'}`);
  return Number.isNaN(from) ? undefined : { from, to: from + unitOf(minutes, seconds, fraction) - 1 };
};

/** The time of a flag, or the end of the command. */
export const timeOf = (flag: string, text: string): TimeSpan =>
  parseTime(text) ??
  usage(`${flag}: expected a time such as 2026-11-24 or 2026-11-24T12:44:05Z, got ${JSON.stringify(text)}`);
