import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import type { TokenRow } from '../../src/train/batches';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import type { TrainConfig } from '../../src/train/trainConfig';
import { gradientGraph, lossGraph } from '../../src/train/trainGraph';
import { parameterInput } from '../../src/train/transformer';
import { the } from '../support/events';
import { plainForm } from '../support/goldenModel';
import { float, int64, numbersOf, runGraph } from '../support/running';
import { batchError, gradientsOf, randomWeights, smallShape, tokenRow, tokenRows } from '../support/training';

jest.setTimeout(30_000);

const runtime = ortRuntime({ device: 'cpu', threads: 1, spin: false });

const oneLayer: ModelShape = { ...smallShape, layers: 1 };

/** Models that mask and turn tokens in ways of their own. */
const shapes: readonly (readonly [string, ModelShape])[] = [
  ['two queries on a key head, two layers', smallShape],
  ['a key head for each query', { ...oneLayer, kvHeads: 4 }],
  ['one key head', { ...oneLayer, kvHeads: 1, tiedEmbeddings: false }],
  ['a sliding window', { ...oneLayer, family: 'mistral', slidingWindow: 4 }],
  ['a sliding window of one token', { ...oneLayer, family: 'mistral', slidingWindow: 1, kvHeads: 1 }],
  ['biases', { ...oneLayer, family: 'qwen2' }],
  ['norms of heads', { ...oneLayer, family: 'qwen3', kvHeads: 1 }],
  ['scaled positions', { ...oneLayer, ropeScaling: { type: 'linear', factor: 2.5 } }],
];

/** Rows that differ in length; 13 and 12 places share a line of 25, others three to a line. */
const rows = tokenRows([26, 14, 13, 9, 8, 11, 5, 2]);

describe.each(shapes)('gradients and losses, with %s', (_, shape) => {
  const of = (changed: Partial<TrainConfig>) => gradientsOf(runtime, rows, changed, shape);

  it('are those of the whole batch, cut into micro-batches of 1, 3 or all rows', async () => {
    const whole = await of({ microBatch: rows.length });
    for (const microBatch of [1, 3]) expect(batchError(await of({ microBatch }), whole)).toBeLessThan(1e-6);
  });

  it('are those of rows that have lines of their own, where rows share lines', async () => {
    const apart = await of({ microBatch: 4, lengthMultiple: 1 });
    expect(
      Math.max(...[...apart.gradients.values()].map((gradient) => Math.max(...gradient.map(Math.abs)))),
    ).toBeGreaterThan(0.01);
    for (const microBatch of [1, 3])
      expect(batchError(await of({ microBatch, lengthMultiple: 1, packing: true }), apart)).toBeLessThan(1e-5);
  });
});

describe('padding', () => {
  it.each([false, true])('changes nothing, packed: %s', async (packing) => {
    const tight = await gradientsOf(runtime, rows, { packing, lengthMultiple: 1 });
    for (const lengthMultiple of [8, 32, 50])
      expect(batchError(await gradientsOf(runtime, rows, { packing, lengthMultiple }), tight)).toBeLessThan(1e-6);
  });
});

describe.each([
  ['plain', smallShape],
  ['with a sliding window', { ...smallShape, family: 'mistral', slidingWindow: 6 } as const],
])('rows that share a line, %s', (_, shape) => {
  const packed = { packing: true, microBatch: 1, lengthMultiple: 1 };
  const changedRow = (row: TokenRow): TokenRow => ({ ...row, ids: row.ids.map((id) => (id + 7) % shape.vocabSize) });

  it('see nothing of each other, to the bit', async () => {
    // Five rows of six places in lines of thirty: all of them share one.
    const shared = [
      tokenRow('longest', 31, 40),
      ...Array.from({ length: 5 }, (__, i) => tokenRow(`short ${i}`, 7, 40)),
    ];
    const before = await gradientsOf(runtime, shared, packed, shape);
    for (const changed of [1, 3, 5]) {
      const others = shared.map((row, i) => (i === changed ? changedRow(row) : row));
      const after = await gradientsOf(runtime, others, packed, shape);
      const isOther = shared.map(({ id }) => the(after.nll.get(id)).join() !== the(before.nll.get(id)).join());
      expect(isOther).toEqual(shared.map((__, i) => i === changed));
    }
  });

  it('have the losses that they have elsewhere in a line', async () => {
    // The same row alone, and behind another in its line.
    const [first, second] = [tokenRow('first', 18, 40), tokenRow('second', 16, 40)];
    const longest = tokenRow('longest', 33, 40);
    const together = await gradientsOf(runtime, [longest, first, second], packed, shape);
    const alone = await gradientsOf(runtime, [longest, second], packed, shape);
    the(together.nll.get('second')).forEach((loss, i) =>
      expect(loss).toBeCloseTo(the(the(alone.nll.get('second'))[i]), 5),
    );
  });
});

describe('the graph of packed rows', () => {
  it('turns every token by its position in its row, which is fed', () => {
    for (const packing of [false, true]) {
      const graph = gradientGraph(smallShape, { ...plainForm, packing }, 8);
      const turns = graph.nodes.filter(({ op }) => op === 'RotaryEmbedding');
      // Queries and keys of each layer, there and back.
      expect(turns).toHaveLength(4 * smallShape.layers);
      expect(turns.every(({ inputs }) => (inputs[1]?.name === 'positions') === packing)).toBe(true);
    }
  });
});

describe('the graph of the loss alone', () => {
  it('gives the losses of the graph of the gradients', async () => {
    const [lines, length] = [2, 5];
    const weights = randomWeights(smallShape, 3);
    const ids = Array.from({ length: lines * length }, (_, i) => (i * 11) % 40);
    const feeds = {
      ids: int64([lines, length], ids),
      targets: int64(
        [lines * length],
        ids.map((id) => (id + 3) % 40),
      ),
      weights: float(
        [lines * length],
        ids.map((_, i) => i % 3),
      ),
      scale: float([], [0.1]),
      ...Object.fromEntries(
        parametersOf(smallShape).map(({ name, dims }) => [parameterInput(name), float(dims, the(weights.get(name)))]),
      ),
    };
    const form = { ...plainForm, microBatch: lines };
    const [alone, beside] = await Promise.all([
      runGraph(runtime, lossGraph(smallShape, form, length), feeds),
      runGraph(runtime, gradientGraph(smallShape, form, length), feeds),
    ]);
    expect(Object.keys(the(alone)).sort()).toEqual(['loss', 'nll']);
    for (const name of ['loss', 'nll'])
      numbersOf(the(alone), name).forEach((value, i) =>
        expect(value).toBeCloseTo(the(numbersOf(the(beside), name)[i]), 5),
      );
  });
});
