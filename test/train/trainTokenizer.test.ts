import * as fc from 'fast-check';
import { isLeft } from 'fp-ts/Either';
import { learnMerges } from '../../src/train/bytePairs';
import type { Tokenizer } from '../../src/train/tokenizer';
import { endToken, loadTokenizer } from '../../src/train/tokenizer';
import { tokenPatterns } from '../../src/train/tokenPatterns';
import { trainBpeTokenizer } from '../../src/train/trainTokenizer';
import { arithmeticRow, goldSortingRow, rowsOf, sortingRow } from './taskRows';
import { arithmeticRows, golden, ours, sortingRows, texts as goldenTexts } from './tokenizerFixtures';

const load = (json: string): Tokenizer => {
  const loaded = loadTokenizer(json);
  if (isLeft(loaded)) throw new Error(JSON.stringify(loaded.left));
  return loaded.right;
};
const parts = (tokenizer: Tokenizer, text: string): string[] =>
  tokenizer.encode(text).map((id) => tokenizer.decode([id]));

test.each(Object.entries(ours))('%s: the same texts give the golden bytes', (name, make) => {
  const json = make();
  expect(json).toBe(golden(`${name}.tokenizer.json`, json));
});

test('the texts of the golden ids are these', () => {
  const json = `${JSON.stringify(goldenTexts, null, 1)}\n`;
  expect(golden('texts.json', json)).toBe(json);
});

test('the order of the texts does not matter', () => {
  const settings = { vocabSize: 400, minFrequency: 3, pattern: tokenPatterns.prose };
  const made = trainBpeTokenizer({ texts: sortingRows, ...settings });
  expect(trainBpeTokenizer({ texts: [...sortingRows].reverse(), ...settings })).toBe(made);
});

describe('byte pairs', () => {
  const merges = (counts: Record<string, number>, limit = 10, least = 1): string[] =>
    learnMerges(new Map(Object.entries(counts)), limit, least, '').map((pair) => pair.join('+'));

  test('the most frequent pair first, equal ones by spelling', () => {
    expect(merges({ low: 5, lower: 2, newest: 6, widest: 3 }, 5)).toEqual(['e+s', 'es+t', 'l+o', 'lo+w', 'e+w']);
    expect(merges({ ba: 1, ab: 1, aa: 1 }, 2)).toEqual(['a+a', 'a+b']);
  });

  test('stops at the least frequency and the limit', () => {
    expect(merges({ ab: 5, cd: 4 }, 10, 5)).toEqual(['a+b']);
    expect(merges({ ab: 5, cd: 4 }, 1)).toEqual(['a+b']);
    expect(merges({})).toEqual([]);
  });

  test('counts overlapping pairs as the merge will find them, and keeps counts exact', () => {
    expect(merges({ aaaa: 1 })).toEqual(['a+a', 'aa+aa']);
    const slow = (counts: ReadonlyMap<string, number>, limit: number): string[] => {
      let pieces = [...counts].map(([piece, count]) => ({ symbols: Array.from(piece), count }));
      const made: string[] = [];
      while (made.length < limit) {
        const pairs = new Map<string, number>();
        for (const { symbols, count } of pieces) {
          for (let i = 0; i + 1 < symbols.length; i++) {
            const key = `${symbols[i] ?? ''}+${symbols[i + 1] ?? ''}`;
            pairs.set(key, (pairs.get(key) ?? 0) + count);
          }
        }
        const order = ([a, m]: [string, number], [b, n]: [string, number]): number => {
          const [left = '', right = ''] = a.split('+');
          const [otherLeft = '', otherRight = ''] = b.split('+');
          return n - m || (left === otherLeft ? (right < otherRight ? -1 : 1) : left < otherLeft ? -1 : 1);
        };
        const best = [...pairs].sort(order)[0];
        if (best === undefined) break;
        made.push(best[0]);
        const [left = '', right = ''] = best[0].split('+');
        pieces = pieces.map(({ symbols, count }) => {
          const merged: string[] = [];
          for (let i = 0; i < symbols.length; i++) {
            const isPair = symbols[i] === left && symbols[i + 1] === right;
            merged.push(isPair ? left + right : (symbols[i] ?? ''));
            if (isPair) i++;
          }
          return { symbols: merged, count };
        });
      }
      return made;
    };
    const piece = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 }).map((all) => all.join(''));
    fc.assert(
      fc.property(fc.dictionary(piece, fc.integer({ min: 1, max: 9 })), (counts) => {
        expect(merges(counts, 12)).toEqual(slow(new Map(Object.entries(counts)), 12));
      }),
    );
  });
});

test('no merge and no piece makes the end token', () => {
  for (const wholePieces of [true, false]) {
    const texts = rowsOf(() => endToken, 50);
    const tokenizer = load(
      trainBpeTokenizer({ texts, vocabSize: 400, minFrequency: 2, pattern: '[^ ]+', wholePieces }),
    );
    expect(tokenizer.encode(endToken)).not.toContain(tokenizer.endId);
    expect(tokenizer.decode(tokenizer.encode(endToken))).toBe(endToken);
  }
});

test('a vocabulary too small for what must be in it is refused', () => {
  const settings = { texts: [], minFrequency: 1, pattern: tokenPatterns.words, include: ['cat', 'a', 'dog', 'cat'] };
  expect(() => trainBpeTokenizer({ ...settings, vocabSize: 258 })).toThrow('expected at least 259, got 258');
  expect(load(trainBpeTokenizer({ ...settings, vocabSize: 259 })).vocabSize).toBe(259);
});

test('numbers are tokens in full or digit by digit', () => {
  const texts = ['12', '12', '12', '134', '135', '136', '13'];
  const tokenizer = load(
    trainBpeTokenizer({ texts, vocabSize: 300, minFrequency: 3, pattern: tokenPatterns.arithmetic }),
  );
  expect(parts(tokenizer, '12 134 12345')).toEqual(['12', ' ', '1', '3', '4', ' ', '1', '2', '3', '4', '5']);
});

describe('tokens a row', () => {
  const average = (tokenizer: Tokenizer, rows: readonly string[]): number =>
    rows.reduce((sum, row) => sum + tokenizer.encode(row).length, 0) / rows.length;
  const answerOf = (row: string): string => row.slice(0, row.indexOf('\nFeedback:'));
  const make = (pattern: keyof typeof tokenPatterns, texts: readonly string[], more = {}): Tokenizer =>
    load(trainBpeTokenizer({ texts, vocabSize: 800, minFrequency: 50, pattern: tokenPatterns[pattern], ...more }));

  test('arithmetic, four leaves: phrases whole, signs and numbers alone', () => {
    const tokenizer = make('arithmetic', arithmeticRows);
    const fresh = rowsOf((index) => arithmeticRow(index + 5000), 100);
    expect(average(tokenizer, fresh.map(answerOf))).toBeLessThan(110);
    expect(average(tokenizer, fresh)).toBeLessThan(230);
    const text = '\n(2) Let\'s calculate A = (7 - -3) = 10.\nFeedback: Step (1) is correct. In step (2) the part "';
    expect(parts(tokenizer, text)).toEqual(
      [
        '\n(2) ',
        "Let's calculate ",
        'A',
        ' = ',
        '(',
        '7',
        ' - ',
        '-',
        '3',
        ')',
        ' = ',
        '10',
        '.',
        '\nFeedback: Step ',
        '(',
        '1',
      ].concat([')', ' is correct. In step ', '(', '2', ')', ' the part ', '"']),
    );
  });

  test('sorting, three words: data words letter by letter, also words never seen', () => {
    const tokenizer = make('words', sortingRows);
    expect(tokenizer.encode(goldSortingRow(['cat', 'dog', 'ant'])).length).toBeLessThanOrEqual(91);
    const text =
      '\nList: the answer\nAnswer: Let\'s think step by step.\n(1) The first letter: "the"="t" (20), "answer"';
    expect(parts(tokenizer, text)).toEqual(
      [
        '\nList: ',
        't',
        'h',
        'e',
        ' ',
        'a',
        'n',
        's',
        'w',
        'e',
        'r',
        "\nAnswer: Let's think step by step.",
        '\n(1) ',
      ].concat([
        'The first letter: ',
        '"',
        't',
        'h',
        'e',
        '"="',
        't',
        '" (',
        '20',
        '), "',
        'a',
        'n',
        's',
        'w',
        'e',
        'r',
        '"',
      ]),
    );
    expect(parts(tokenizer, '\n(Final response) So the answer is: the step.')).toEqual([
      '\n(Final response) So the answer is: ',
      't',
      'h',
      'e',
      ' ',
      's',
      't',
      'e',
      'p',
      '.',
    ]);
  });

  test('sorting, three words of a closed list: under 70', () => {
    const words = ['cat', 'dog', 'ant', 'osteology', 'embedded', 'irwin'];
    const tokenizer = make('wholeWords', sortingRows, { include: words, merges: false });
    expect(tokenizer.encode(goldSortingRow(words.slice(3))).length).toBeLessThan(70);
    expect(parts(tokenizer, 'List: irwin zoo')).toEqual(['L', 'i', 's', 't', ':', ' ', 'irwin', ' ', 'z', 'o', 'o']);
  });

  test('rows of both tasks by one tokenizer', () => {
    const tokenizer = make('words', [...arithmeticRows, ...sortingRows]);
    expect(average(tokenizer, arithmeticRows.map(answerOf))).toBeLessThan(110);
    expect(average(tokenizer, rowsOf((index) => sortingRow(index + 5000), 50).map(answerOf))).toBeLessThan(130);
  });
});
