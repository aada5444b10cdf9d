import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import type { TokenRow } from '../../src/train/batches';
import { weightedCrossEntropy, type Normaliser } from '../../src/train/loss';
import { fillMicroBatch, totalsOf } from '../../src/train/microBatches';
import type { Tensor } from '../../src/ports/tensorRuntime';
import { the } from '../support/events';
import { float, numbersOf, runGraph } from '../support/running';

/** §7.1 of the fact sheet: ten tokens, four of them behind the marker with 1.5, a cross entropy of 1 each. */
const row: TokenRow = {
  id: 'toy',
  ids: Array.from({ length: 11 }, () => 1),
  weights: [1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 1.5, 1.5],
  kinds: Array.from({ length: 11 }, () => 'attempt'),
};

/** Two logits [0, x] for target 1 with -log softmax = 1. */
const logit = Math.log(1 / (Math.E - 1));

const toyOf = async (normaliser: Normaliser): Promise<Readonly<Record<string, Tensor>>> => {
  // Two places are padding: the token there would cost 1 as well if it counted.
  const size = 12;
  const plan = { microBatch: 1, lengthMultiple: 1, packing: false };
  const totals = the(totalsOf([row], { rows: [0], length: size }, normaliser));
  const { targets, weights, scale } = fillMicroBatch([row], { lines: [[0]], length: size }, plan, totals.scale).feeds;
  const b = new GraphBuilder('toy');
  const { loss, nll } = weightedCrossEntropy(
    b,
    b.input('logits', 'float32', [size, 2]),
    b.input('targets', 'int64', [size]),
    b.input('weights', 'float32', [size]),
    b.input('scale', 'float32', []),
  );
  b.output('loss', loss);
  b.output('nll', nll);
  return runGraph(ortRuntime({ device: 'cpu', threads: 1, spin: false }), b.build(), {
    logits: float([size, 2], Array.from({ length: size }, () => [0, logit]).flat()),
    targets: the(targets),
    weights: the(weights),
    scale: the(scale),
  });
};

describe('the weighted loss of the toy row', () => {
  it('is 1.2 per token, the weights not being in the denominator', async () => {
    expect(numbersOf(await toyOf('tokens'), 'loss')[0]).toBeCloseTo(1.2, 5);
  });

  it('is 1 as a weighted mean', async () => {
    expect(numbersOf(await toyOf('weights'), 'loss')[0]).toBeCloseTo(1, 5);
  });

  it('comes with the loss of every place, unweighted', async () => {
    // Padding has target 0: its loss is that of the other logit.
    const nll = numbersOf(await toyOf('tokens'), 'nll');
    for (const loss of nll.slice(0, 10)) expect(loss).toBeCloseTo(1, 5);
    for (const loss of nll.slice(10)) expect(loss).toBeCloseTo(1 + logit, 5);
    expect(nll).toHaveLength(12);
  });
});
