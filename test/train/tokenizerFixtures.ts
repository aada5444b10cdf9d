import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokenPatterns } from '../../src/train/tokenPatterns';
import { byteLevelTokenizer, trainBpeTokenizer } from '../../src/train/trainTokenizer';
import { arithmeticRow, goldSortingRow, rowsOf, sortingRow } from './taskRows';

const folder = join(__dirname, '../../fixtures/tokenizers');

/** A golden file; with UPDATE_FIXTURES set, `current` is written to it first. */
export const golden = (name: string, current?: string): string => {
  const path = join(folder, name);
  if (process.env['UPDATE_FIXTURES'] !== undefined && current !== undefined) writeFileSync(path, current);
  return readFileSync(path, 'utf8');
};

export const sortingRows = rowsOf((index) => sortingRow(index, 3 + (index % 2)), 400);
export const arithmeticRows = rowsOf(arithmeticRow, 400);

const lexicon = ['cat', 'dog', 'ant', 'osteology', 'embedded', 'irwin'];

/** The tokenizers whose bytes are golden: any change of the trainer or a pattern shows here. */
export const ours: { readonly [name: string]: () => string } = {
  bytes: byteLevelTokenizer,
  arithmetic: () =>
    trainBpeTokenizer({ texts: arithmeticRows, vocabSize: 500, minFrequency: 20, pattern: tokenPatterns.arithmetic }),
  words: () =>
    trainBpeTokenizer({ texts: sortingRows, vocabSize: 500, minFrequency: 20, pattern: tokenPatterns.words }),
  wholeWords: () =>
    trainBpeTokenizer({
      texts: sortingRows,
      vocabSize: 500,
      minFrequency: 20,
      pattern: tokenPatterns.wholeWords,
      include: lexicon,
      merges: false,
    }),
  prose: () =>
    trainBpeTokenizer({
      texts: [...arithmeticRows, ...sortingRows],
      vocabSize: 500,
      minFrequency: 5,
      pattern: tokenPatterns.prose,
      wholePieces: false,
    }),
};

/** Texts that every tokenizer encodes in the golden ids. */
export const texts: readonly string[] = [
  '',
  ' ',
  '\n',
  '\n\n  \t\r\n x',
  arithmeticRow(0),
  arithmeticRow(7),
  arithmeticRow(1000),
  sortingRow(0),
  sortingRow(2000, 5),
  goldSortingRow(['osteology', 'embedded', 'irwin']),
  goldSortingRow(['cat', 'dog', 'ant']),
  'Q: ((7 + 3) - (8 - 5)) =\nAnswer: Let\'s think step by step.\n(1) This equation can be written as "(A - B)", where',
  'Q: (12345 * -6 + 007) =\nAnswer: -74063 = - 74063=-1',
  '\n(3.2) Now sort this subpart ["cedar" ? "cello"] by looking at their second letters: \n(3.2.1) "cedar"="e" (5)',
  "List: o'clock x-ray Irwin éclair naïve straße\nAnswer:",
  "Which of them? Options:\n(A) 12/25/2001\n(B) It is 5 o'clock, isn't it? We'LL see, I'm sure.",
  'end<|endoftext|>\n<|endoftext|>Answer <|im_start|> <|end',
  'café café Ωmega İstanbul ǅ ﬁ ß 漢字かな交じり 한국어 العربية हिन्दी ไทย',
  '😀👩‍👩‍👧‍👦🏳️‍🌈 𝒳𝓎 \u{10ffff}\u0000\u0001\u007f\u0085\u00a0\u00ad\u200b\u2028\ufeff\uffff',
  'x  ½  ⅷ ٣٤٥ ⅷ ² ½ １２３ 1234567 1,234.5',
  'a'.repeat(300),
  ' '.repeat(50) + '\n'.repeat(5) + '('.repeat(40) + '"'.repeat(9),
  ' leading',
  '  two  spaces \n three   \t end  ',
  'a_b snake_case camelCase x=1;\n    return x  # 4\n\tif (!y) {}\n',
  "can't CAN'T it'S we'Ve 'ſ Kelvin K ’s",
  // Combining marks out of order, apart and alone; characters that NFC changes for good; Hangul in parts.
  'e\u0301 q\u0307\u0323 \u1e9b\u0323 \u0323\u0307a A\u030a\u0301 \u0344 \u0301',
  '\u212b \u2126 \u0958 \uf900 \u1100\u1161\u11a8 \uac00\u11a8 \u05d0\u05bc\u05b7',
  // Marks that have a class since Unicode 11 to 16, which Hugging Face's NFC does not know.
  'q\u0300\u08d3 x\u0300\u{10f46} x\u0300\u1ac0 \u{11382}\u{113c9}',
  'one▁two ▁three ▁▁ <0x41><0x0A> <s>x</s> <unk>',
  '<|im_start|>user\nHi <tool_call>{"a": 1}</tool_call><think>\n\n</think> <tool_call<think> [INST] x [/INST]<pad>',
  'so step by step, the step by step correct answer is correct.',
];
