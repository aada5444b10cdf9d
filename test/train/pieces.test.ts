import { pieceSplitter, splitStep } from '../../src/train/pieces';

const cut = (pattern: string, text: string): readonly string[] => pieceSplitter([splitStep(pattern)])(text);

describe('a pattern', () => {
  it('without regard to case matches what Oniguruma folds, in classes too', () => {
    expect(cut(`(?i:'s|k)`, `a'Sa'ſaKa\u212aa`)).toEqual(['a', `'S`, 'a', `'ſ`, 'a', 'K', 'a', '\u212a', 'a']);
    expect(cut(`'(?i:[sdmt]|ll)`, `'ſ'LL'D`)).toEqual([`'ſ`, `'LL`, `'D`]);
    expect(cut(`'s`, `'ſ'S's`)).toEqual([`'ſ'S`, `'s`]);
  });

  it.each([
    ['possessive', String.raw`\s++$`, '++'],
    ['possessive', String.raw`[a]?+b`, '?+'],
    ['atomic', '(?>a+)b', '(?>'],
    ['a range without regard to case', '(?i:[a-z])', '(?i:'],
    ['a class without regard to case', String.raw`(?i:\w)`, '(?i:'],
    ['a group without regard to case around others', '(?i:(a)b)', '(?i:'],
  ])('that JavaScript would read otherwise is refused: %s, %s', (_, pattern, named) => {
    expect(() => pieceSplitter([splitStep(pattern)])).toThrow(new SyntaxError(`no ${named} in ${pattern}`));
  });

  it('may have a plus behind one that is escaped or in a class', () => {
    expect(cut(String.raw`\++|[*+]+`, 'a++b*+')).toEqual(['a', '++', 'b', '*+']);
    expect(cut('(?:ab)+', 'ababc')).toEqual(['abab', 'c']);
  });
});

it('Digits are numbers of every script, fractions and Roman ones too', () => {
  const digits = (individual: boolean) =>
    pieceSplitter([
      { type: 'Digits', individual_digits: individual },
      { type: 'ByteLevel', use_regex: false },
    ]);
  expect(digits(true)('a12½ⅷ٣b')).toEqual(['a', '1', '2', '½', 'ⅷ', '٣', 'b']);
  expect(digits(false)('a12½ⅷ٣b')).toEqual(['a', '12½ⅷ٣', 'b']);
});
