import type { ModelShape, RopeScaling } from './modelShape';

/**
 * How many positions a frequency takes for one radian, with scaling. Linear: every one takes `factor` times as many
 * (Chen et al. 2023). Llama 3: only those whose full turn is long against the pretrained length, with a smooth passage
 * between what stays and what is stretched.
 */
const scaled = (period: number, scaling: RopeScaling | undefined): number => {
  if (scaling === undefined) return period;
  const { factor } = scaling;
  if (scaling.type === 'linear') return period * factor;
  const turns = scaling.originalMaxPositions / (2 * Math.PI * period);
  const { lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  if (turns > high) return period;
  if (turns < low) return period * factor;
  const kept = (turns - low) / (high - low);
  return period / ((1 - kept) / factor + kept);
};

/** Cosine and sine tables [positions, headDim] of rotary positions, halves repeated as Llama does. Su et al. 2021. */
export const rotaryTables = (
  { headDim, ropeTheta, ropeScaling }: ModelShape,
  positions: number,
): { readonly cos: number[]; readonly sin: number[] } => {
  const half = headDim / 2;
  const periods = Array.from({ length: headDim }, (_, i) => scaled(ropeTheta ** ((i % half) / half), ropeScaling));
  const angles = Array.from({ length: positions }, (_, position) => periods.map((period) => position / period)).flat();
  return { cos: angles.map((angle) => Math.cos(angle)), sin: angles.map((angle) => Math.sin(angle)) };
};

/** The tables [positions, headDim / 2] as the operator takes them: one of the halves that repeat. */
export const rotaryHalves = (shape: ModelShape, positions: number): ReturnType<typeof rotaryTables> => {
  const { cos, sin } = rotaryTables(shape, positions);
  const half = (table: readonly number[]): number[] => table.filter((_, i) => i % shape.headDim < shape.headDim / 2);
  return { cos: half(cos), sin: half(sin) };
};
