import type { ModelShape, RopeScaling } from '../../src/train/modelShape';
import { rotaryTables } from '../../src/train/rotary';
import { small } from './checkpointFolders';

const shape: ModelShape = { ...small, headDim: 16, ropeTheta: 500 };
const half = shape.headDim / 2;

/** The frequencies of a shape, read off its tables at position 1 where they are below pi. */
const frequenciesOf = (ropeScaling?: RopeScaling): number[] => {
  const { cos, sin } = rotaryTables(ropeScaling === undefined ? shape : { ...shape, ropeScaling }, 2);
  return Array.from({ length: half }, (_, i) =>
    Math.atan2(sin[shape.headDim + i] ?? Number.NaN, cos[shape.headDim + i] ?? Number.NaN),
  );
};

/** The largest relative difference; infinite where there are more of one than of the other. */
const gapOf = (got: readonly number[], expected: readonly number[]): number =>
  got.length === expected.length
    ? Math.max(...got.map((value, i) => Math.abs(value / (expected[i] ?? Number.NaN) - 1)))
    : Number.POSITIVE_INFINITY;

const plain = Array.from({ length: half }, (_, i) => 500 ** (-i / half));

test('position by position, halves repeated', () => {
  const { cos, sin } = rotaryTables(shape, 3);
  expect(cos).toHaveLength(3 * shape.headDim);
  expect(cos.slice(0, shape.headDim)).toEqual(Array.from({ length: shape.headDim }, () => 1));
  for (const table of [cos, sin]) {
    const last = table.slice(2 * shape.headDim);
    expect(last.slice(0, half)).toEqual(last.slice(half));
  }
  expect(cos[2 * shape.headDim + 3]).toBe(Math.cos(2 / 500 ** (3 / half)));
});

test('not scaled, and scaled in proportion', () => {
  expect(gapOf(frequenciesOf(), plain)).toBeLessThan(1e-12);
  expect(
    gapOf(
      frequenciesOf({ type: 'linear', factor: 4 }),
      plain.map((frequency) => frequency / 4),
    ),
  ).toBeLessThan(1e-12);
});

describe('scaled as in Llama 3', () => {
  const scaling = { type: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4 } as const;

  test('keeps what turns often in the pretrained length, divides what turns less than once, and passes between', () => {
    const got = frequenciesOf({ ...scaling, originalMaxPositions: 32 });
    const turns = plain.map((frequency) => (32 * frequency) / (2 * Math.PI));
    expect(turns[0]).toBeGreaterThan(4);
    expect(turns.filter((count) => count < 1).length).toBe(5);
    expect(gapOf(got.slice(0, 1), plain.slice(0, 1))).toBeLessThan(1e-12);
    expect(
      gapOf(
        got.slice(3),
        plain.slice(3).map((frequency) => frequency / 8),
      ),
    ).toBeLessThan(1e-12);
    const between = [1, 2].map((i) => {
      const kept = ((turns[i] ?? 0) - 1) / 3;
      return (plain[i] ?? 0) * (kept + (1 - kept) / 8);
    });
    expect(gapOf(got.slice(1, 3), between)).toBeLessThan(1e-12);
  });

  test('changes nothing or everything where the pretrained length is long or short enough', () => {
    expect(gapOf(frequenciesOf({ ...scaling, originalMaxPositions: 1e6 }), plain)).toBeLessThan(1e-12);
    expect(
      gapOf(
        frequenciesOf({ ...scaling, originalMaxPositions: 1 }),
        plain.map((frequency) => frequency / 8),
      ),
    ).toBeLessThan(1e-12);
  });
});
