import { draws } from '../../projections/random';
import { parametersOf, type ModelShape, type Parameter, type Weights } from './modelShape';

/** Low-rank adaptation: frozen linears gain a trained product B·A of rank `rank`. Hu et al. 2022. */
export interface Lora {
  readonly rank: number;
  /** The product is scaled by alpha / rank. */
  readonly alpha: number;
  /** Last parts of the names of linears, for example `q_proj`. */
  readonly targets: readonly LoraTarget[];
}

export type LoraTarget = (typeof loraTargets)[number];

/** Every linear that may be a target. */
export const loraTargets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

export const loraScale = ({ alpha, rank }: Lora): number => alpha / rank;

/** `model.layers.0.self_attn.q_proj.lora_A.weight` [rank, in] of a linear's weight name. */
export const factorA = (linear: string): string => linear.replace(/\.weight$/, '.lora_A.weight');
/** `model.layers.0.self_attn.q_proj.lora_B.weight` [out, rank]. */
export const factorB = (linear: string): string => linear.replace(/\.weight$/, '.lora_B.weight');

const adaptedOf = (shape: ModelShape, { targets }: Lora): readonly Parameter[] =>
  parametersOf(shape).filter(
    ({ name, kind }) => kind === 'linear' && targets.some((target) => name.endsWith(`.${target}.weight`)),
  );

/** The trained parameters, in the order of the linears that they adapt. */
export const loraParameters = (shape: ModelShape, lora: Lora): readonly Parameter[] =>
  adaptedOf(shape, lora).flatMap(({ name, dims: [out = 1, from = 1] }): readonly Parameter[] => [
    { name: factorA(name), dims: [lora.rank, from], kind: 'linear' },
    { name: factorB(name), dims: [out, lora.rank], kind: 'linear' },
  ]);

/**
 * A begins uniform in ±1/√in (PEFT's Kaiming initialisation), drawn under (seed, 'lora', its name); B begins at 0, so the
 * adapted model begins as the base.
 */
export const initialLora = (shape: ModelShape, lora: Lora, seed: number): Weights =>
  new Map(
    loraParameters(shape, lora).map(({ name, dims: [rows = 1, columns = 1] }) => {
      const values = new Float32Array(rows * columns);
      if (name.endsWith('.lora_A.weight')) {
        const stream = draws([seed, 'lora', name]);
        for (let i = 0; i < values.length; i++) values[i] = (2 * stream.uniform(i) - 1) / Math.sqrt(columns);
      }
      return [name, values];
    }),
  );

/** The base with every product added to its linear: W + scale · B A, summed in double and rounded once. */
export const mergeLora = (shape: ModelShape, lora: Lora, base: Weights, adapter: Weights): Weights => {
  const merged = new Map(base);
  const scale = loraScale(lora);
  for (const {
    name,
    dims: [out = 1, from = 1],
  } of adaptedOf(shape, lora)) {
    const [weight, a, b] = [base.get(name), adapter.get(factorA(name)), adapter.get(factorB(name))];
    if (weight === undefined || a === undefined || b === undefined) throw new Error(`no factors for "${name}"`);
    const sum = new Float32Array(weight.length);
    for (let row = 0; row < out; row++)
      for (let column = 0; column < from; column++) {
        let product = 0;
        for (let k = 0; k < lora.rank; k++) product += (b[row * lora.rank + k] ?? 0) * (a[k * from + column] ?? 0);
        sum[row * from + column] = (weight[row * from + column] ?? 0) + scale * product;
      }
    merged.set(name, sum);
  }
  return merged;
};
