import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { GraphBuilder } from '../../src/onnx/graph';
import { fillBatch } from '../../src/train/batches';
import { weightedCrossEntropy, type Normaliser } from '../../src/train/loss';
import { float, int64, numbersOf, runGraph } from '../support/running';

/** §7.1 of the fact sheet: ten tokens, four of them behind the marker with 1.5, a cross entropy of 1 each. */
const row = { id: 'toy', ids: Array.from({ length: 11 }, () => 1), weights: [1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 1.5, 1.5] };

/** Two logits [0, x] for target 1 with -log softmax = 1. */
const logit = Math.log(1 / (Math.E - 1));

const lossBy = async (normaliser: Normaliser): Promise<number | undefined> => {
  // Two places are padding: the token there would cost 1 as well if it counted.
  const size = 12;
  const filled = fillBatch([row], { rows: [0], length: size }, 1, normaliser);
  if (filled === undefined) throw new Error('the toy has weight');
  const b = new GraphBuilder('toy');
  const logits = b.input('logits', 'float32', [size, 2]);
  const targets = b.input('targets', 'int64', [size]);
  const weights = b.input('weights', 'float32', [size]);
  const scale = b.input('scale', 'float32', []);
  b.output('loss', weightedCrossEntropy(b, logits, targets, weights, scale));
  const got = await runGraph(ortRuntime({ device: 'cpu', threads: 1, spin: false }), b.build(), {
    logits: float([size, 2], Array.from({ length: size }, () => [0, logit]).flat()),
    targets: int64(
      [size],
      Array.from({ length: size }, (_, i) => Number(filled.targets[i] ?? 0)),
    ),
    weights: float([size], filled.weights),
    scale: float([], [filled.scale]),
  });
  return numbersOf(got, 'loss')[0];
};

describe('the weighted loss of the toy row', () => {
  it('is 1.2 per token, the weights not being in the denominator', async () => {
    expect(await lossBy('tokens')).toBeCloseTo(1.2, 5);
  });

  it('is 1 as a weighted mean', async () => {
    expect(await lossBy('weights')).toBeCloseTo(1, 5);
  });
});
