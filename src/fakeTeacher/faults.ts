import { draws } from '../../projections/random';

/** Everything that can be made to go wrong, and what it looks like to a client. */
export const faultNames = {
  latency: 'the reply comes later, by up to ten times the latency and a tenth of a second',
  'rate-limit': '429, with Retry-After in seconds or as a date',
  'server-error': '500 or 503',
  cut: 'the connection ends in the middle of the body',
  slow: 'the body comes in small pieces',
  hang: 'no byte ever comes',
  garbage: '200 with a body that is no JSON',
  'wrong-type': '200 with an HTML page',
  truncated: '200 with JSON that ends early',
  'missing-field': '200 with a choice that has no text',
  'too-few': '200 with one choice fewer than asked',
  'no-usage': '200 without usage',
  length: '200, the text cut in half with finish_reason length',
  'other-language': 'the text is in German',
  'bad-form': 'the text begins with words that nobody asked for',
  'no-such-step': 'feedback is about a step that the answer does not have',
  'rewrites-steps': 'an update changes its first step too',
  'content-filter': 'finish_reason content_filter; the same request always meets it',
  'too-long': '400 context_length_exceeded; the same request always meets it',
  'wrong-key': '401, whatever the key',
  'unknown-model': '404, whatever the model',
} as const;

export type FaultName = keyof typeof faultNames;

const isFault = (name: string): name is FaultName => Object.hasOwn(faultNames, name);

const everyFault = Object.keys(faultNames).filter(isFault);

/** A client stops for good at these, so `all` leaves them out: they are to be asked for by name. */
const ends = new Set<FaultName>(['wrong-key', 'unknown-model']);

/** Met by a request however often it is made. */
const lasting = new Set<FaultName>(['content-filter', 'too-long']);

/** `all`, or names with commas between them; a sentence where a name is none. Empty: no faults. */
export const readFaults = (
  list: string,
): { readonly ok: true; readonly faults: readonly FaultName[] } | { readonly ok: false; readonly message: string } => {
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const faults: FaultName[] = [];
  for (const name of names) {
    if (name === 'all') faults.push(...everyFault.filter((each) => !ends.has(each)));
    else if (isFault(name)) faults.push(name);
    else return { ok: false, message: `there is no fault "${name}"; there are all, ${everyFault.join(', ')}` };
  }
  return { ok: true, faults: [...new Set(faults)] };
};

/** Decided by a request's content alone, so that a text does not depend on how often it was asked for. */
const spoken = new Set<FaultName>(['length', 'other-language', 'bad-form', 'no-such-step', 'rewrites-steps']);

export interface FaultSettings {
  readonly seed: number;
  readonly faults: readonly FaultName[];
  /** Share of attempts that meet a fault which passes. Of requests, a tenth of it meets one that lasts, a third one of text. */
  readonly rate: number;
}

/**
 * The fault that an attempt at a request meets. It depends on the seed, the request's content and how often that very
 * request came before: not on time, nor on what else is asked, so two runs that ask the same meet the same.
 */
export const faultOf = (
  { seed, faults, rate }: FaultSettings,
  content: string,
  attempt: number,
): FaultName | undefined => {
  const pick = (
    names: readonly FaultName[],
    key: readonly (string | number)[],
    share: number,
  ): FaultName | undefined => {
    const drawn = draws(key);
    if (names.length === 0 || drawn.uniform(0) >= share) return undefined;
    return names[drawn.integer(1, names.length)];
  };
  const stays = faults.filter((name) => lasting.has(name));
  const texts = faults.filter((name) => spoken.has(name));
  const passes = faults.filter((name) => !lasting.has(name) && !spoken.has(name));
  return (
    pick(stays, ['lasting fault', seed, content], rate / 10) ??
    pick(passes, ['fault', seed, content, attempt], rate) ??
    pick(texts, ['text fault', seed, content], rate / 3)
  );
};
