/**
 * Pre-tokenizer patterns: each match, and each gap between matches, is a piece that no token crosses.
 * Written in the part of regular expressions that Oniguruma (Hugging Face) and JavaScript share.
 *
 * In both task patterns a newline begins a piece and never ends one, so that a row cut before `\nAnswer:`,
 * `\nFeedback:`, `\n(2)` … has the same tokens whole or in parts; a line's number with its newline is one piece; numbers
 * are pieces of at most three digits; a single capital letter (a name of a value, an option) stands alone; and a phrase
 * runs as far as no digit, bracket, quote, operator or newline ends it. A bracketed phrase, as `(Final response)`,
 * belongs to the phrase around it.
 */
const lineNumber = String.raw`\n\(\d{1,2}(?:\.\d{1,2})*\) `;
const number = String.raw`\d{1,3}`;
const sign = '[-+*=<>?]';
/** With its spaces where it stands between two, or ends a line; a sign of a number stands alone. */
const spaced = String.raw` ${sign}(?: |(?![^\n]))`;
const letterName = String.raw`[A-Z](?![A-Za-z:])`;
const bracketed = String.raw`\(\p{L}[\p{L} ]+\)`;
/** A phrase; `stop` says before what it may not run on. */
const phrase = (stop: string): string =>
  String.raw`\n?(?:${bracketed}|(?!(?<![A-Za-z])${letterName}|${spaced}${stop})[^\d"()\[\]\n\-+*=<>?])+`;

const arithmetic = [
  lineNumber,
  number,
  spaced,
  sign,
  String.raw`[()\[\]"]`,
  letterName,
  phrase(''),
  String.raw`\n`,
].join('|');

/**
 * Quotes with the punctuation around them, as `"="`, `" (`, `), "`, `" < "`, are one piece. A lower-case letter that
 * begins a piece begins a data word: words in quotes, in the list and in the answer. A space, hyphen or apostrophe after
 * one stands alone, and a phrase ends at `: ` when a lower-case letter follows.
 */
const sorting = (word: string): string =>
  [
    lineNumber,
    number,
    String.raw`[ ,=<>()\[\]?.]*"(?:[,=<>()\[\]?."]| (?![\p{Ll}\n]))*`,
    spaced,
    sign,
    String.raw`[()\[\]]`,
    word,
    String.raw`(?<=\p{Ll})[-' ]`,
    letterName,
    phrase(String.raw`|(?<=: )\p{Ll}`),
    String.raw`\n`,
  ].join('|');

/** GPT-2's pattern without its list of English endings, numbers in at most three digits: for free text. */
const prose = String.raw` ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

export const tokenPatterns = {
  /** Multi-step arithmetic: phrases whole, numbers, signs, brackets and names alone. */
  arithmetic,
  /** Word sorting (and arithmetic beside it): as above, data words letter by letter. */
  words: sorting(String.raw`\p{Ll}`),
  /** As `words`, data words whole: for a closed list of words, given as BpeSettings.include, with merges off. */
  wholeWords: sorting(String.raw`\p{Ll}+`),
  prose,
} as const;
