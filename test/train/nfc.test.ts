import * as fc from 'fast-check';
import { nfc } from '../../src/train/nfc';

describe('NFC as Hugging Face computes it', () => {
  it.each([
    ['e\u0301', '\u00e9'],
    ['q\u0307\u0323', 'q\u0323\u0307'],
    ['\u1e9b\u0323', '\u1e9b\u0323'],
    ['\u212b\u2126\u0958', '\u00c5\u03a9\u0915\u093c'],
    ['\u1100\u1161\u11a8', '\uac01'],
    ['', ''],
  ])('%j: composes what Unicode 9 composes', (text, expected) => {
    expect(nfc(text)).toBe(expected);
    expect(text.normalize('NFC')).toBe(expected);
  });

  /** Each was given to normalizers.NFC of tokenizers 0.23.3, which returned it as it was. */
  it.each(['q\u0300\u08d3', 'x\u0300\u{10f46}', 'x\u0300\u1ac0', '\u{11382}\u{113c9}', '\u{16d67}\u{16d67}'])(
    '%j: leaves younger characters where they are',
    (text) => {
      expect(text.normalize('NFC')).not.toBe(text);
      expect(nfc(text)).toBe(text);
    },
  );

  it('normalises on both sides of a younger character, and not across it', () => {
    expect(nfc('e\u0301\u08d3e\u0301')).toBe('\u00e9\u08d3\u00e9');
    expect(nfc('e\u08d3\u0301')).toBe('e\u08d3\u0301');
  });

  it('is that of the runtime for every character that Unicode 9 had', () => {
    const old = fc.array(
      fc.oneof(
        fc.integer({ min: 0x20, max: 0x7fc }),
        fc.integer({ min: 0x1e00, max: 0x2fff }),
        fc.integer({ min: 0xac00, max: 0xd7a3 }),
        fc.integer({ min: 0x1100, max: 0x11ff }),
        fc.constantFrom(0x301, 0x307, 0x323, 0x345, 0x5b0, 0x93c, 0x3099),
      ),
    );
    fc.assert(
      fc.property(old, (codes) => {
        const text = String.fromCodePoint(...codes);
        expect(nfc(text)).toBe(text.normalize('NFC'));
        expect(nfc(nfc(text))).toBe(nfc(text));
      }),
    );
  });
});
