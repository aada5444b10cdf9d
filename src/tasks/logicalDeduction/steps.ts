import { placesOf } from './axes';
import type { Constraint, Gap, Pattern } from './orderings';
import { countNamed, findThing, namesIn, readSentence, type Paragraph, type Thing } from './paragraph';

/** A pattern as a step writes it. */
export interface WrittenPattern {
  /** With its quotes and ends. */
  readonly text: string;
  /** From the low end on; undefined where something in it is not known. */
  readonly pattern: Pattern | undefined;
  /** What keeps it from being read. */
  readonly fault:
    | { readonly errorClass: 'wrong-ends' | 'unknown-object' | 'repeated-object'; readonly part: string }
    | undefined;
  /** Whether its first end is the high one. */
  readonly reversed: boolean;
}

/** What a step says. */
export type Step =
  /** `<statement>: "<pattern>".` */
  | {
      readonly kind: 'statement';
      readonly sentence: string;
      readonly constraint: Constraint;
      readonly written: WrittenPattern;
    }
  /** `There are in total three fruits: pears, plums, and kiwis.` */
  | { readonly kind: 'total'; readonly count: number; readonly word: string; readonly names: readonly string[] }
  /** `Combining (1) and (2) we get the following ordering: "<pattern>".` */
  | { readonly kind: 'combination'; readonly cites: readonly string[]; readonly written: WrittenPattern }
  /** `According to this ordering, the one that is the newest is the truck.` */
  | {
      readonly kind: 'reading';
      readonly object: number;
      readonly words: string;
      readonly at: number;
      readonly placeWords: string;
      /** `top of this list` in brackets: the end that the object is said to be written at. */
      readonly end: 'first' | 'last' | 'between' | undefined;
    };

/** The thing whose name the words at a place begin with, the longest name first. */
const thingAt = (words: readonly string[], at: number, things: readonly Thing[]): readonly [number, number] => {
  const longest = Math.max(...things.flatMap(({ aliases }) => aliases.map((alias) => alias.split(' ').length)));
  for (let length = longest; length > 0; length--) {
    const object = findThing(things, words.slice(at, at + length).join(' '));
    if (object >= 0 && at + length <= words.length) return [object, length];
  }
  return [-1, 1];
};

const patternShape = /^"\(([^()"]*)\) ?([^()"]*?) ?\(([^()"]*)\)"$/;

/** Reads the pattern in a step; undefined where nothing is in quotes. */
export const readPattern = (step: string, { axis, things }: Paragraph): WrittenPattern | undefined => {
  const text = /"[^"]*"/.exec(step)?.[0];
  if (text === undefined) return undefined;
  const [, left = '', middle = '', right = ''] = patternShape.exec(text) ?? [];
  const [from, to] = [left.toLowerCase(), right.toLowerCase()];
  const reversed = axis.high.includes(from) && axis.low.includes(to);
  const no = (errorClass: NonNullable<WrittenPattern['fault']>['errorClass'], part: string): WrittenPattern => ({
    text,
    pattern: undefined,
    fault: { errorClass, part },
    reversed,
  });
  if (!reversed && !(axis.low.includes(from) && axis.high.includes(to)))
    return no('wrong-ends', left === '' ? text : `(${left})`);
  const words = middle.split(' ').filter((word) => word !== '');
  const objects: number[] = [];
  const gaps: Gap[] = [{ least: 0, open: false }];
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? '';
    const gap = gaps.at(-1) ?? { least: 0, open: false };
    if (word === '?') gaps.splice(-1, 1, { ...gap, least: gap.least + 1 });
    else if (word === '??') gaps.splice(-1, 1, { ...gap, open: true });
    else {
      const [object, length] = thingAt(words, at, things);
      if (object < 0) return no('unknown-object', word);
      if (objects.includes(object)) return no('repeated-object', words.slice(at, at + length).join(' '));
      objects.push(object);
      gaps.push({ least: 0, open: false });
      at += length - 1;
    }
    at += 1;
  }
  if (reversed) {
    objects.reverse();
    gaps.reverse();
  }
  return { text, pattern: { objects, gaps }, fault: undefined, reversed };
};

const totalPhrase = /^There are (?:in total )?(\w+) ([a-z ]+): (.+)\.$/;
const combinationPhrase =
  /^Combining (\(\d+\)(?:(?:, and |, | and )\(\d+\))+),? we get the following(?: ordering)?::? "[^"]*"\.$/;
const readingPhrase = /^According to (?:this|the) (?:ordering|ranking), (.+)\.$|^This ordering implies that (.+)\.$/;
const brackets = / ?\((?:the (?:one|person|golfer) )?(?:at the (top|bottom) of (?:this|the) list|between [a-z ]+)\)?/;

/** A place and an object in free words: `the vehicle that is newest is the truck`. */
export const readReading = (words: string, paragraph: Paragraph): (Step & { readonly kind: 'reading' }) | undefined => {
  const { axis, things } = paragraph;
  const said = brackets.exec(words);
  const end = said ? (({ top: 'first', bottom: 'last' } as const)[said[1] ?? ''] ?? 'between') : undefined;
  const bare = words.replace(brackets, '').trim();
  const direct = readSentence(bare, things, axis);
  if (direct?.kind === 'place') {
    const { object, at } = direct;
    const placeWords = bare.slice(bare.indexOf(things[object]?.name ?? '') + (things[object]?.name.length ?? 0)).trim();
    return { kind: 'reading', object, words: bare, at, placeWords, end };
  }
  // "the <noun> that is <place> is <object>", "the <place> <noun> is <object>"
  const [, subject = '', name = ''] = /^(.+) (?:is|are) (?:on )?((?:the )?[A-Za-z ]+)$/.exec(bare) ?? [];
  const object = findThing(things, name);
  if (object < 0) return undefined;
  const places = [...placesOf(axis, things.length)]
    .map(([phrase, at]) => ({ phrase: phrase.replace(/^the /, ''), at }))
    .sort((a, b) => b.phrase.length - a.phrase.length);
  const lower = subject.toLowerCase();
  const place = places.find(({ phrase }) => new RegExp(String.raw`(?:^|[ ])${phrase}(?:$|[ ])`).test(lower));
  if (!place) return undefined;
  // What is left must be a noun phrase that says nothing else.
  const rest = lower.replace(place.phrase, '').replace(/\s+/g, ' ').trim();
  const filler =
    /^(?:the )?(?:one|ones|person|golfer|object|[a-z]+)?(?: (?:that|who))?(?: (?:is|are|finished|came in))?(?: (?:on )?the)?$/;
  return filler.test(rest)
    ? { kind: 'reading', object, words: bare, at: place.at, placeWords: place.phrase, end }
    : undefined;
};

/** Reads a step's text; undefined where it is in no known form. */
export const readStep = (text: string, paragraph: Paragraph): Step | undefined => {
  const total = totalPhrase.exec(text.trim());
  if (total?.[1] !== undefined && total[2] !== undefined && total[3] !== undefined) {
    const words = total[2].split(' ');
    if (!words.every((word) => word === paragraph.noun || word === 'objects' || countNamed(word) >= 0))
      return undefined;
    return { kind: 'total', count: countNamed(total[1]), word: total[1], names: namesIn(total[3]) };
  }
  const written = readPattern(text, paragraph);
  const cited = combinationPhrase.exec(text)?.[1];
  if (cited !== undefined && written) {
    return { kind: 'combination', cites: [...cited.matchAll(/\d+/g)].map(([id]) => id), written };
  }
  const reading = readingPhrase.exec(text);
  const words = reading?.[1] ?? reading?.[2];
  if (words !== undefined) return readReading(words, paragraph);
  const [, sentence] = /^([^":]+): "[^"]*"\.? *$/.exec(text) ?? [];
  if (sentence === undefined || !written) return undefined;
  const constraint = readSentence(sentence, paragraph.things, paragraph.axis);
  return constraint && { kind: 'statement', sentence, constraint, written };
};

const gapText = ({ least, open }: Gap): string => `${'? '.repeat(least)}${open ? '??' : ''}`.trim();

/** A pattern from the low end on, with its quotes and ends. */
export const patternText = ({ objects, gaps }: Pattern, { axis, things }: Paragraph): string => {
  const words = gaps.flatMap((gap, i) => {
    const object = objects[i];
    return [gapText(gap), object === undefined ? '' : (things[object]?.short ?? '')];
  });
  return `"(${axis.low[0] ?? ''}) ${words.filter((word) => word !== '').join(' ')} (${axis.high[0] ?? ''})"`;
};
