import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { onnx } from 'onnx-proto';
import { sessionOptions } from '../../src/adapters/onnxruntime/tensorRuntime';
import { sizeOf, staticShape, type Graph } from '../../src/onnx/graph';
import { encodeModel } from '../../src/onnx/modelProto';
import { gradientGraph } from '../../src/train/trainGraph';
import { plainForm } from '../support/goldenModel';
import { smallShape } from '../support/training';

const layers = 4;
const shape = { ...smallShape, layers };
const length = 32;
const [kept, again] = [false, true].map((recompute) => gradientGraph(shape, { ...plainForm, recompute }, length));
if (kept === undefined || again === undefined) throw new Error('two graphs');

/** How often the runtime's own form of a graph has an operator. */
const countsOf = async (graph: Graph, ops: readonly string[]): Promise<readonly number[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tripost-recompute-'));
  try {
    const optimizedModelFilePath = join(folder, 'optimised.onnx');
    const options = sessionOptions({ device: 'cpu', threads: 1, spin: false });
    const session = await ort.InferenceSession.create(encodeModel(graph), { ...options, optimizedModelFilePath });
    await session.release();
    const nodes = onnx.ModelProto.decode(readFileSync(optimizedModelFilePath)).graph?.node ?? [];
    return ops.map((op) => nodes.filter(({ opType }) => opType === op).length);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** The most numbers that are needed at once, each from the node that makes it to the last that reads it. */
const peakOf = (graph: Graph): number => {
  const last = new Map<string, number>();
  graph.nodes.forEach(({ inputs }, at) => inputs.forEach(({ name }) => last.set(name, at)));
  for (const { name } of graph.outputs) last.set(name, graph.nodes.length);
  let [live, peak] = [0, 0];
  const dying = new Map<number, number>();
  graph.nodes.forEach(({ outputs }, at) => {
    for (const value of outputs) {
      const end = last.get(value.name);
      if (end === undefined) continue;
      const size = sizeOf(staticShape(value));
      live += size;
      dying.set(end, (dying.get(end) ?? 0) + size);
    }
    peak = Math.max(peak, live);
    live -= dying.get(at) ?? 0;
  });
  return peak;
};

describe('layers that are computed again for their gradients', () => {
  it('are twice in the graph, and the runtime does not find that they are the same', async () => {
    // Where nothing but x σ(x) reads σ(x), the runtime has one operator for both.
    const ops = ['Softmax', 'Sigmoid', 'QuickGelu'];
    expect(await countsOf(kept, ops)).toEqual([layers, layers, 0]);
    expect(await countsOf(again, ops)).toEqual([2 * layers, layers, layers]);
  });

  it('keep less', () => {
    expect(peakOf(again)).toBeLessThan(0.6 * peakOf(kept));
  });
});
