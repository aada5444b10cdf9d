import * as fc from 'fast-check';
import canonicalize from 'canonicalize';
import { canonicalJson, contentId, digestOf, sha256, sha256Bytes, sha256OfPieces } from '../../events/digest';
import { arbitraryJson } from '../support/arbitrary';
import { fieldsOf } from '../support/events';

/** A double from the hex of its IEEE 754 bits. */
const double = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE();

describe('canonical JSON (RFC 8785)', () => {
  it('gives the example of section 3.2.2 and 3.2.4, byte for byte', () => {
    const value: unknown = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    const expected = `
      7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72
      73 22 3a 5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31 65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32
      2c 31 65 2d 32 37 5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c 5c
      5c 5c 5c 22 2f 22 7d`;
    expect(Buffer.from(canonicalJson(value)).toString('hex')).toBe(expected.replace(/\s/g, ''));
  });

  it('sorts names by UTF-16 code units (section 3.2.3)', () => {
    const value: unknown = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`);
    const names = Object.keys(fieldsOf(JSON.parse(canonicalJson(value)))).filter((name) => name !== '1');
    expect(names).toEqual(['\r', '\u0080', 'ö', '€', '😀', '\ufb33']);
    expect(canonicalJson(value).startsWith(String.raw`{"\r":"Carriage Return","1":"One"`)).toBe(true);
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the double %s as %s (appendix B)', (hex, text) => {
    expect(canonicalJson(double(hex))).toBe(text);
  });

  it.each<[string, unknown]>([
    ['NaN', double('7fffffffffffffff')],
    ['Infinity', double('7ff0000000000000')],
    ['a lone surrogate', 'x\udead'],
    ['a lone surrogate in a name', { '\ud800': 1 }],
    ['undefined', undefined],
    ['undefined in an object', { a: undefined }],
    ['a hole in an array', [1, , 2]], // oxlint-disable-line no-sparse-arrays
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a typed array', new Uint8Array(2)],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  it('agrees with the canonicalize package, and reading it back gives the same value', () => {
    fc.assert(
      fc.property(arbitraryJson, (value) => {
        const text = canonicalJson(value);
        expect(text).toBe(canonicalize(value));
        expect(JSON.parse(text)).toEqual(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('takes objects without a prototype, and a field called __proto__, as they are', () => {
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 2 }))).toBe('{"a":2,"b":1}');
    expect(canonicalJson(JSON.parse('{"__proto__":{"x":1}}'))).toBe('{"__proto__":{"x":1}}');
  });
});

describe('digests', () => {
  it('are the SHA-256 of the text’s UTF-8 bytes', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256OfPieces([Buffer.from('a'), Buffer.from(''), Buffer.from('bc')])).toBe(sha256('abc'));
    expect(sha256OfPieces([])).toBe(sha256(''));
    expect(sha256('é')).toBe(sha256(Buffer.from([0xc3, 0xa9])));
    expect(Buffer.from(sha256Bytes(Buffer.from('abc'))).toString('hex')).toBe(sha256('abc'));
    expect(digestOf({ b: 1, a: [] })).toBe(sha256('{"a":[],"b":1}'));
  });
});

describe('content id', () => {
  it('is a version 8 UUID of the identity alone', () => {
    expect(contentId(['RunStarted', 'run-1'])).toBe('8c2d3a28-3add-8e02-a6d7-de278b8afc4f');
    fc.assert(
      fc.property(arbitraryJson, (identity) => {
        expect(contentId(identity)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(contentId(identity)).toBe(contentId(JSON.parse(canonicalJson(identity))));
      }),
    );
  });

  it('differs for what differs', () => {
    const ids = [['a', 'bc'], ['ab', 'c'], ['abc'], 'abc', ['a', 1], ['a', '1'], null, []].map(contentId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
