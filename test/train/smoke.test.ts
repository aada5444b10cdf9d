import * as E from 'fp-ts/Either';
import { ortRuntime } from '../../src/adapters/onnxruntime/tensorRuntime';
import { encodeModel } from '../../src/onnx/modelProto';
import { trainStepGraph } from '../../src/train/trainGraph';
import { decodeGraph } from '../../src/train/decodeGraph';
import { parametersOf } from '../../src/train/modelShape';
import { draws } from '../../projections/random';

const shape = { vocabSize: 50, hiddenSize: 64, intermediateSize: 128, layers: 2, heads: 4, kvHeads: 2, headDim: 16, ropeTheta: 10000, rmsNormEps: 1e-5, tiedEmbeddings: true, maxPositions: 64 };
const f = (dims: number[], data: Float32Array) => ({ dtype: 'float32' as const, dims, data });
const i = (dims: number[], data: number[]) => ({ dtype: 'int64' as const, dims, data: BigInt64Array.from(data.map(BigInt)) });
const sc = (x: number) => f([], Float32Array.of(x));
it('trains and decodes', async () => {
  const rt = ortRuntime({ device: 'cpu', threads: 2 });
  const B = 16, T = 32;
  const t0 = performance.now();
  const g = encodeModel(trainStepGraph(shape, { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1 }, B, T));
  const r = await rt.load(g)();
  if (E.isLeft(r)) throw new Error(r.left.message);
  console.log('bytes', g.length, 'load ms', performance.now() - t0);
  let state: Record<string, any> = {};
  for (const p of parametersOf(shape)) {
    const n = p.dims.reduce((a, b) => a * b, 1);
    const d = draws([1, p.name]);
    state['param:' + p.name] = f([...p.dims], Float32Array.from({ length: n }, (_, k) => (p.kind === 'norm' ? 1 : 0.02 * d.normal(k))));
    state['m:' + p.name] = f([...p.dims], new Float32Array(n));
    state['v:' + p.name] = f([...p.dims], new Float32Array(n));
  }
  let loss = 0;
  for (let step = 1; step <= 150; step++) {
    const ids: number[] = [], tg: number[] = [];
    for (let b = 0; b < B; b++) {
      const s = draws([step, b]).integer(0, 10);
      for (let k = 0; k < T; k++) { ids.push((s + k * 3) % 50); tg.push((s + (k + 1) * 3) % 50); }
    }
    const out = await r.right.run({ ...state, ids: i([B, T], ids), targets: i([B * T], tg), weights: f([B * T], new Float32Array(B * T).fill(1)), scale: sc(1 / (B * T)), learningRate: sc(3e-3), correction1: sc(1 / (1 - 0.9 ** step)), correction2: sc(1 / (1 - 0.95 ** step)) })();
    if (E.isLeft(out)) throw new Error(out.left.message);
    loss = (out.right['loss']!.data as Float32Array)[0]!;
    if (step % 50 === 1) console.log(step, loss, (out.right['gradNorm']!.data as Float32Array)[0]!);
    for (const k of Object.keys(state)) state[k] = out.right['new:' + k];
  }
  expect(loss).toBeLessThan(0.2);
  const P = 8, S = 12, DB = 3;
  const d = await rt.load(encodeModel(decodeGraph(shape, DB, P, S)))();
  if (E.isLeft(d)) throw new Error(d.left.message);
  const lens = [8, 5, 6]; const ids: number[] = [], pos: number[] = []; const pad = new Float32Array(DB * P);
  lens.forEach((L, b) => { for (let k = 0; k < P; k++) { const q = k - (P - L); ids.push(q < 0 ? 0 : (b + q * 3) % 50); pos.push(Math.max(q, 0)); pad[b * P + k] = q < 0 ? -1e9 : 0; } });
  const out = await d.right.run({ ids: i([DB, P], ids), positions: i([DB, P], pos), pad: f([DB, 1, 1, P], pad), lengths: i([DB], lens), temperature: f([DB, 1], new Float32Array(DB).fill(1)), topK: f([DB, 1], new Float32Array(DB).fill(1)), topP: f([DB, 1], new Float32Array(DB).fill(1)), uniforms: f([S, DB, 1], new Float32Array(S * DB).fill(0.5)), end: i([], [49]), ...Object.fromEntries(Object.entries(state).filter(([k]) => k.startsWith('param:'))) })();
  if (E.isLeft(out)) throw new Error(out.left.message);
  console.log(out.right['tokens']!.dims, Array.from(out.right['tokens']!.data as BigInt64Array, Number).join(' '), out.right['logprobs']!.data.slice(0, 6));
}, 60000);
