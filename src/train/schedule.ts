/** How the learning rate moves: up over the warm-up, then along a shape down to 0 (or level). */
export interface Schedule {
  readonly learningRate: number;
  /** Share of all steps spent going up from 0, in [0, 1). */
  readonly warmup: number;
  readonly shape: 'constant' | 'linear' | 'cosine';
}

/** The learning rate of step `step` (from 1) out of `steps`. */
export const learningRateAt = ({ learningRate, warmup, shape }: Schedule, step: number, steps: number): number => {
  const rising = Math.round(warmup * steps);
  if (step <= rising) return (learningRate * step) / rising;
  const progress = (step - rising) / Math.max(1, steps - rising + 1);
  if (shape === 'linear') return learningRate * (1 - progress);
  if (shape === 'cosine') return learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRate;
};
