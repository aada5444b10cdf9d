import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { isLeft } from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import type { SafetensorsFile, Tensor } from '../../src/train/safetensors';
import { readSafetensors, writeSafetensors } from '../../src/train/safetensors';

const golden = (name: string): Buffer => readFileSync(join(__dirname, '../../fixtures/safetensors', name));
const read = (bytes: Uint8Array): SafetensorsFile => {
  const file = readSafetensors(bytes);
  if (isLeft(file)) throw new Error(JSON.stringify(file.left));
  return file.right;
};
const bitsOf = (data: Float32Array): number[] => [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
const tensor = (name: string, dims: readonly number[], numbers: readonly number[]): Tensor => ({
  name,
  dims,
  data: Float32Array.from(numbers),
});

describe('against the reference implementation', () => {
  const numbers = Float32Array.from({ length: 24 }, (_, i) => Math.fround(Math.fround(i / 7) - 1));
  const given: readonly Tensor[] = [
    { name: 'z.last', dims: [2, 3, 4], data: numbers },
    tensor('a.first', [7], [0, -0, Infinity, -Infinity, NaN, 1e-45, 3.4028234663852886e38]),
    tensor('scalar', [], [1.5]),
    tensor('empty', [0, 5], []),
    tensor('name "é" \\ \n', [3], [1, 1, 1]),
  ];

  test('writes the same bytes', () => {
    const bytes = writeSafetensors(given, { 'made by': 'safetensors "0.8"', format: 'pt' });
    expect(Buffer.from(bytes).toString('latin1')).toBe(golden('f32.safetensors').toString('latin1'));
    expect(Buffer.from(writeSafetensors([]))).toEqual(golden('empty.safetensors'));
  });

  test('reads the same tensors, at any alignment', () => {
    for (const shift of [0, 1, 2, 3]) {
      const bytes = Buffer.concat([Buffer.alloc(shift), golden('f32.safetensors')]).subarray(shift);
      const { metadata, tensors } = read(bytes);
      expect(metadata).toEqual({ format: 'pt', 'made by': 'safetensors "0.8"' });
      expect([...tensors.keys()].sort()).toEqual(given.map(({ name }) => name).sort());
      for (const { name, dims, data } of given) {
        expect(tensors.get(name)).toMatchObject({ name, dims, dtype: 'F32' });
        expect(bitsOf(tensors.get(name)?.data ?? new Float32Array(0))).toEqual(bitsOf(data));
      }
    }
  });

  test('reads F16, BF16 and F64 as float32, bit by bit', () => {
    const { tensors } = read(golden('mixed.safetensors'));
    const bits: { readonly [name: string]: readonly number[] } = JSON.parse(golden('mixed.json').toString());
    expect([...tensors.values()].map(({ name, dtype }) => `${name} ${dtype}`)).toEqual([
      'double F64',
      'single F32',
      'brain BF16',
      'half F16',
    ]);
    const isNan = (each: number): boolean => (each & 0x7fffffff) > 0x7f800000;
    for (const [name, { data }] of tensors) {
      const got = bitsOf(data);
      const want = bits[name] ?? [];
      expect(got.length).toBe(want.length);
      // numpy quiets a half's signalling NaN; here its bits are kept.
      const differ = got.findIndex((each, i) => each !== want[i] && !(isNan(each) && isNan(want[i] ?? 0)));
      expect({ name, differ }).toEqual({ name, differ: -1 });
    }
  });

  test('what is read is a copy', () => {
    const bytes = golden('f32.safetensors');
    const before = bitsOf(read(bytes).tensors.get('z.last')?.data ?? new Float32Array(0));
    const { tensors } = read(bytes);
    bytes.fill(0);
    expect(bitsOf(tensors.get('z.last')?.data ?? new Float32Array(0))).toEqual(before);
  });
});

const anyTensors = fc.uniqueArray(
  fc.tuple(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(4), { maxLength: 3 })).chain(([name, dims]) => {
    const length = dims.reduce((product, dim) => product * dim, 1);
    const bits = fc.array(fc.nat(0xffffffff), { minLength: length, maxLength: length });
    return bits.map((each): Tensor => ({ name, dims, data: new Float32Array(Uint32Array.from(each).buffer) }));
  }),
  { selector: ({ name }) => name, maxLength: 6 },
);

test('a round trip keeps names, dims, every bit, and order if asked', () => {
  fc.assert(
    fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), fc.boolean(), (given, metadata, asGiven) => {
      fc.pre(given.every(({ name }) => name !== '__metadata__'));
      const bytes = writeSafetensors(given, metadata, asGiven ? 'as-given' : 'by-name');
      const file = read(bytes);
      expect({ ...file.metadata }).toEqual({ ...metadata });
      for (const { name, dims, data } of given) {
        const back = file.tensors.get(name);
        expect(back?.dims).toEqual(dims);
        expect(bitsOf(back?.data ?? new Float32Array(0))).toEqual(bitsOf(data));
      }
      expect(file.tensors.size).toBe(given.length);
      expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
      const again = asGiven ? given : [...given].reverse();
      expect(sha256(writeSafetensors(again, metadata, asGiven ? 'as-given' : 'by-name'))).toBe(sha256(bytes));
    }),
  );
});

test('a file cut anywhere, or with a byte more, is refused', () => {
  const bytes = writeSafetensors([tensor('a', [3], [1, 2, 3]), tensor('b', [2, 1], [4, 5])], { format: 'pt' });
  for (let length = 0; length < bytes.length; length++) {
    expect(isLeft(readSafetensors(bytes.subarray(0, length)))).toBe(true);
  }
  expect(readSafetensors(Buffer.concat([bytes, Buffer.from([0])]))).toMatchObject({
    left: { tag: 'Hole', where: 'data', expected: '20 bytes, as the tensors take', got: '21' },
  });
});

test('any bytes give an error or a file, never an exception', () => {
  const bytes = writeSafetensors([tensor('a', [3], [1, 2, 3]), tensor('b', [2, 1], [4, 5])], { format: 'pt' });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (edits) => {
      const damaged = bytes.slice();
      for (const [at, byte] of edits) damaged[at] = byte;
      expect(() => readSafetensors(damaged)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});

const file = (header: string, dataBytes: number): Uint8Array => {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
};
const entry = (from: number, to: number, shape = `[${(to - from) / 4}]`, dtype = '"F32"'): string =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":[${from},${to}]}`;

test.each([
  ['no header', new Uint8Array(7), 'HeaderTruncated', 'file', 'at least 8 bytes', '7'],
  [
    'a huge header',
    new Uint8Array(8).fill(255),
    'HeaderTooLarge',
    'header',
    'at most 100000000 bytes',
    `${2n ** 64n - 1n}`,
  ],
  ['a header cut', file('{}', 0).subarray(0, 9), 'HeaderTruncated', 'header', '2 bytes', '1'],
  ['no JSON', file('{"a":}', 0), 'HeaderNotJson', 'header', 'a JSON object', String.raw`"{\"a\":}"`],
  ['a list', file('[]', 0), 'HeaderNotJson', 'header', 'a JSON object', '"[]"'],
  ['a space first', file(' {}', 0), 'HeaderNotJson', 'header', 'a JSON object', '" {}"'],
  [
    'a name twice',
    file(`{"a":${entry(0, 4)},"a":${entry(0, 4)}}`, 4),
    'DuplicateName',
    'a',
    'keys to differ',
    'it twice',
  ],
  [
    'a name twice, escaped',
    file(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8),
    'DuplicateName',
    'a',
    'keys to differ',
    'it twice',
  ],
  [
    'a key twice',
    file('{"a":{"dtype":"F32","dtype":"F16","shape":[0],"data_offsets":[0,0]}}', 0),
    'DuplicateName',
    'a.dtype',
    'keys to differ',
    'it twice',
  ],
  [
    'metadata twice',
    file('{"__metadata__":{"x":"1","x":"2"}}', 0),
    'DuplicateName',
    '__metadata__.x',
    'keys to differ',
    'it twice',
  ],
  ['metadata of numbers', file('{"__metadata__":{"x":1}}', 0), 'BadMetadata', '__metadata__.x', 'a string', '1'],
  ['metadata a list', file('{"__metadata__":[]}', 0), 'BadMetadata', '__metadata__', 'an object', '[]'],
  ['an entry no object', file('{"a":1}', 0), 'BadEntry', 'a', 'an object', '1'],
  [
    'an unknown type',
    file(`{"a":${entry(0, 4, '[1]', '"F8"')}}`, 4),
    'UnknownDtype',
    'a.dtype',
    'F64, F32, F16, BF16',
    '"F8"',
  ],
  [
    'a type of the prototype',
    file(`{"a":${entry(0, 4, '[1]', '"toString"')}}`, 4),
    'UnknownDtype',
    'a.dtype',
    'F64, F32, F16, BF16',
    '"toString"',
  ],
  ['a negative size', file(`{"a":${entry(0, 4, '[-1]')}}`, 4), 'BadEntry', 'a.shape', 'a list of sizes', '[-1]'],
  [
    'one offset',
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', 4),
    'BadEntry',
    'a.data_offsets',
    'two byte offsets',
    '[0]',
  ],
  [
    'a wrong size',
    file(`{"a":${entry(0, 4, '[2]')}}`, 4),
    'SizeMismatch',
    'a.data_offsets',
    '8 bytes for F32 [2]',
    '4 (0 to 4)',
  ],
  [
    'offsets backwards',
    file(`{"a":${entry(4, 0, '[1]')}}`, 4),
    'SizeMismatch',
    'a.data_offsets',
    '4 bytes for F32 [1]',
    '-4 (4 to 0)',
  ],
  [
    'a size past 2^53',
    file(`{"a":${entry(0, 4, '[9007199254740991,9007199254740991]')}}`, 4),
    'SizeMismatch',
    'a.data_offsets',
    '3.2451855365842665e+32 bytes for F32 [9007199254740991, 9007199254740991]',
    '4 (0 to 4)',
  ],
  [
    'overlap',
    file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
    'Overlap',
    'b.data_offsets',
    'a begin of 8, where the tensor before it ends',
    '4',
  ],
  [
    'a hole',
    file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12),
    'Hole',
    'b.data_offsets',
    'a begin of 4, where the tensor before it ends',
    '8',
  ],
  [
    'a hole at the start',
    file(`{"a":${entry(4, 8)}}`, 8),
    'Hole',
    'a.data_offsets',
    'a begin of 0, where the tensor before it ends',
    '4',
  ],
  [
    'past the end',
    file(`{"a":${entry(0, 8)}}`, 4),
    'OutOfRange',
    'a.data_offsets',
    "an end of at most 4, the data's length",
    '8',
  ],
])('refuses %s', (_, bytes, tag, where, expected, got) => {
  expect(readSafetensors(bytes)).toEqual({ _tag: 'Left', left: { tag, where, expected, got } });
});

test('broken UTF-8 in the header is refused', () => {
  const bytes = file('{"a":1}', 0);
  bytes[10] = 0xff;
  expect(readSafetensors(bytes)).toMatchObject({ left: { tag: 'HeaderNotJson', expected: 'UTF-8' } });
});

test('names that objects inherit are names', () => {
  const given = [tensor('__proto__', [1], [1]), tensor('constructor', [1], [2]), tensor('7', [1], [3])];
  expect([...read(writeSafetensors(given)).tensors.keys()]).toEqual(['7', '__proto__', 'constructor']);
});

test('the writer refuses what it could not read back', () => {
  expect(() => writeSafetensors([tensor('a', [2], [1])])).toThrow('a: expected 2 numbers for [2], got 1');
  expect(() => writeSafetensors([tensor('a', [1], [1]), tensor('a', [1], [1])])).toThrow('a: expected names to differ');
  expect(() => writeSafetensors([tensor('__metadata__', [1], [1])])).toThrow('__metadata__');
});

describe('written as BF16', () => {
  const rounded = (numbers: Float32Array): Float32Array => {
    const bytes = writeSafetensors([{ name: 'x', dims: [numbers.length], data: numbers }], {}, 'by-name', 'BF16');
    const stored = read(bytes).tensors.get('x');
    expect(stored?.dtype).toBe('BF16');
    return stored?.data ?? new Float32Array(0);
  };

  test('is the nearest number, the even one of two', () => {
    const cases: readonly (readonly [number, number])[] = [
      [1, 1],
      [-1.0078125, -1.0078125],
      // Halfway between two: to the one whose last bit is 0.
      [1 + 2 ** -8, 1],
      [1 + 3 * 2 ** -8, 1 + 2 ** -6],
      [-(1 + 3 * 2 ** -8), -(1 + 2 ** -6)],
      // Just above and below halfway.
      [1 + 2 ** -8 + 2 ** -23, 1 + 2 ** -7],
      [1 + 3 * 2 ** -8 - 2 ** -23, 1 + 2 ** -7],
      [2 - 2 ** -23, 2],
      [2 ** -149, 0],
      [3.4028234663852886e38, Infinity],
      [-Infinity, -Infinity],
    ];
    expect([...rounded(Float32Array.from(cases, ([from]) => from))]).toEqual(cases.map(([, to]) => to));
    expect(Object.is(rounded(Float32Array.of(-0))[0], -0)).toBe(true);
    const nans = new Float32Array(Uint32Array.of(0x7fc00000, 0x7f800001, 0xff800001, 0xffffffff).buffer);
    expect([...rounded(nans)].every(Number.isNaN)).toBe(true);
  });

  test('is as near as any, and what is written again is the same', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ noNaN: true, noDefaultInfinity: true, max: 2 ** 126, min: -(2 ** 126) }),
        (numbers) => {
          const once = rounded(numbers);
          expect(bitsOf(rounded(once))).toEqual(bitsOf(once));
          const neighbours = [-0x10000, 0x10000].map(
            (step) => new Float32Array(Uint32Array.from(bitsOf(once), (bits) => bits + step).buffer),
          );
          numbers.forEach((x, i) => {
            const gap = Math.abs(x - (once[i] ?? Number.NaN));
            const others = neighbours.map((near) => Math.abs(x - (near[i] ?? Number.NaN)));
            expect(others.some((other) => other < gap)).toBe(false);
          });
        },
      ),
    );
  });
});
