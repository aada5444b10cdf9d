import { decodingMemory, savedPart, trainingMemory, type TrainingSize } from '../../src/train/memoryEstimate';
import { loraTargets } from '../../src/train/lora';
import { shapeNamed } from '../../bench/trainWorkload';

/** Peaks of a process that makes three steps (`npm run bench -- memory`), two threads, and then saves a state; MB. */
const measured = [
  {
    name: 's1',
    length: 128,
    microBatch: 4,
    microBatches: 4,
    copies: 2,
    recompute: false,
    peak: 282,
    saving: undefined,
  },
  { name: 'm10', length: 128, microBatch: 4, microBatches: 4, copies: 2, recompute: false, peak: 1092, saving: 1226 },
  { name: 'smol', length: 256, microBatch: 1, microBatches: 1, copies: 1, recompute: false, peak: 3030, saving: 4287 },
];

const sizeOf = ({
  name,
  length,
  microBatch,
  microBatches,
  copies,
  recompute,
}: (typeof measured)[number]): TrainingSize => ({
  shape: shapeNamed(name),
  config: { microBatch, recompute, lora: null },
  length,
  microBatches,
  copies,
});

const smol = sizeOf({
  name: 'smol',
  length: 256,
  microBatch: 4,
  microBatches: 2,
  copies: 1,
  recompute: false,
  peak: 0,
  saving: undefined,
});
const bytesOf = (changed: Partial<TrainingSize>): number => trainingMemory({ ...smol, ...changed }).bytes;

describe('what a training needs', () => {
  const near = (bytes: number, megabytes: number): boolean => {
    const ratio = bytes / (megabytes * 1e6);
    return ratio > 1 / 1.5 && ratio < 1.5;
  };

  it.each(measured)('is within a factor of 1.5 of what was measured: $name', (one) => {
    const { bytes, parts } = trainingMemory(sizeOf(one));
    const saved = parts.find(({ what }) => what === savedPart);
    expect(near(bytes - (saved?.bytes ?? Number.NaN), one.peak)).toBe(true);
    expect(near(bytes, one.saving ?? bytes / 1e6)).toBe(true);
  });

  it('is the sum of its parts, and grows with all that it depends on', () => {
    const { bytes, parts } = trainingMemory(smol);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(bytes);
    expect(parts.every((part) => part.bytes > 0)).toBe(true);
    const more: readonly Partial<TrainingSize>[] = [
      { length: 512 },
      { microBatches: 1 },
      { copies: 2 },
      { config: { ...smol.config, microBatch: 8 } },
      { shape: { ...smol.shape, layers: 40 } },
      { shape: { ...smol.shape, vocabSize: 100_000 } },
    ];
    const [, fewer, ...rest] = more.map(bytesOf);
    expect(fewer).toBeLessThan(bytes);
    expect(rest.every((each) => each > bytes)).toBe(true);
  });

  it('names settings that need less, and only such', () => {
    const { bytes, alternatives } = trainingMemory(smol);
    expect(alternatives.map(({ change }) => change)).toEqual([
      'microBatch: 1',
      'recompute: true',
      'both',
      'lora: {rank: 8}',
    ]);
    expect(alternatives.every((each) => each.bytes < bytes)).toBe(true);
    const lora = { rank: 8, alpha: 16, targets: [...loraTargets] };
    const least = trainingMemory({ ...smol, config: { microBatch: 1, recompute: true, lora }, microBatches: 1 });
    expect(least.alternatives).toEqual([]);
    expect(least.bytes).toBeLessThan(bytes / 2);
  });
});

describe('what decoding needs', () => {
  it('grows with the rows and the threads, and names smaller batches', () => {
    const size = { shape: shapeNamed('m10'), batch: 64, copies: 2 };
    const { bytes, parts, alternatives } = decodingMemory(size);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(bytes);
    expect(alternatives.map(({ change }) => change)).toEqual(['batch: 16', 'batch: 1']);
    expect(alternatives.every((each, i) => each.bytes < (alternatives[i - 1]?.bytes ?? bytes))).toBe(true);
    expect(decodingMemory({ ...size, copies: 3 }).bytes).toBeGreaterThan(bytes);
    expect(decodingMemory({ ...size, batch: 1 }).alternatives).toEqual([]);
  });
});
