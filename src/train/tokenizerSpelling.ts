import { spellBytes } from './byteAlphabet';
import { nfc } from './nfc';
import { pieceSplitter } from './pieces';
import type { Form } from './tokenizerForm';
import { spaceMark } from './tokenizerForm';
import type { TokenizerParts } from './tokenizerParts';

/** Where a stretch stands: at the beginning of a text with nothing or something in front of it, or behind a token. */
export type StretchPlace = 'start' | 'continued' | 'inside';

type Normaliser = (stretch: string, place: StretchPlace) => string;

/** From a stretch of text between added tokens to pieces that no merge crosses. */
export interface Spelling {
  readonly normalise: Normaliser;
  /** Pieces of a normalised stretch that is not empty. */
  readonly pieces: (stretch: string, place: StretchPlace) => readonly string[];
  /** A piece as the vocabulary spells it. */
  readonly spell: (piece: string) => string;
}

const beforeMark = new RegExp(`(?=${spaceMark})`, 'u');
const betweenWords = new RegExp(`(?<=[^${spaceMark}])(?=${spaceMark})`, 'u');

/** Half a surrogate pair, which UTF-8 cannot write. */
const loneSurrogate = /\p{Surrogate}/gu;
const marked = (text: string): string => text.replace(loneSurrogate, '\ufffd').replaceAll(' ', spaceMark);

/** What the normalizer does to a stretch. */
export const normaliserOf = (form: Form): Normaliser => {
  if (form.kind === 'bytes') return form.nfc ? nfc : (stretch) => stretch;
  if (!form.isNormalized) return (stretch) => stretch;
  const prefix = form.prefix === 'always' ? spaceMark : '';
  return (stretch, place) => (place === 'continued' ? marked(stretch) : prefix + marked(stretch));
};

/** `isCut`: whether pieces may end where a word does. Without it, or `split`, a stretch is one piece. */
const markedPieces =
  ({ prefix, isNormalized, split }: Extract<Form, { readonly kind: 'marks' }>, isCut: boolean): Spelling['pieces'] =>
  (stretch, place) => {
    const text = isNormalized ? stretch : marked(stretch);
    const adds = prefix === 'lacking' ? place !== 'continued' : prefix === 'first' && place === 'start';
    const whole = adds && !text.startsWith(spaceMark) ? spaceMark + text : text;
    if (split) return whole.split(beforeMark);
    return isCut ? whole.split(betweenWords) : [whole];
  };

/**
 * The spelling of a tokenizer. Where no merge makes a token with a space mark behind another character, as in Llama 2,
 * merging word by word is the same as merging the whole text, and words can be remembered. Throws SyntaxError on a
 * pattern that is none, or that JavaScript would read otherwise.
 */
export const spellingOf = ({ form, merges, model }: TokenizerParts): Spelling => {
  const normalise = normaliserOf(form);
  if (form.kind === 'bytes') return { normalise, pieces: pieceSplitter(form.steps), spell: spellBytes };
  const crosses = merges.some(([left, right]) => betweenWords.test(left + right));
  const pieces = markedPieces(form, !crosses && model['ignore_merges'] !== true);
  return { normalise, pieces, spell: (piece) => piece };
};
