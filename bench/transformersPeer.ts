import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphBuilder, type Graph, type Value } from '../src/onnx/graph';
import { encodeModel } from '../src/onnx/modelProto';
import { add, concat, matMul, reshape, sub, transpose, transposeLast } from '../src/onnx/ops';
import { decodeTensors, weightValues } from '../src/train/decode/decodeWeights';
import { decoderLayers, embedded } from '../src/train/decode/layers';
import type { ModelShape, Weights } from '../src/train/modelShape';
import { masked } from '../src/train/transformer';
import { LinePeer } from './peers/linePeer';

/**
 * The decoder as transformers.js wants it: one call reads T tokens behind P cached ones.
 *
 * Feeds: input_ids and position_ids [B, T], attention_mask [B, P + T], past_key_values.<layer>.key and .value
 * [B, KV, P, d]. Fetches: logits [B, T, V], present.<layer>.key and .value.
 */
const exportGraph = (shape: ModelShape, weights: Weights): Graph => {
  const b = new GraphBuilder('model');
  const { heads, kvHeads, headDim, layers } = shape;
  const ids = b.input('input_ids', 'int64', ['batch', 'length']);
  const attended = b.input('attention_mask', 'int64', ['batch', 'past+length']);
  const positions = b.input('position_ids', 'int64', ['batch', 'length']);
  const cache = ['batch', kvHeads, 'past', headDim];
  const past = Array.from({ length: layers }, (_, i) => ({
    k: b.input(`past_key_values.${i}.key`, 'float32', cache),
    v: b.input(`past_key_values.${i}.value`, 'float32', cache),
  }));
  const w = weightValues(b, { tensors: decodeTensors(shape, weights, shape.maxPositions), as: 'constants' });
  // A key's position among those attended to, against the query's.
  const keyPosition = sub(b, b.one('CumSum', [attended, b.scalar('int64', 1)]), b.scalar('int64', 1));
  const isLater = b.one('Less', [reshape(b, positions, [0, 1, -1, 1]), reshape(b, keyPosition, [0, 1, 1, -1])]);
  const isPadding = reshape(b, b.one('Equal', [attended, b.scalar('int64', 0)]), [0, 1, 1, -1]);
  const hidden = b.one('Or', [isLater, isPadding]);
  const mask = b.one('Where', [hidden, b.scalar('float32', masked), b.scalar('float32', 0)]);
  const present: Value[] = [];
  const byHead = (x: Value): Value => transpose(b, reshape(b, x, [0, 0, heads + 2 * kvHeads, headDim]), [0, 2, 1, 3]);
  const states = decoderLayers(b, w, shape, embedded(b, w, ids), positions, byHead, (i, { q, k: newK, v: newV }) => {
    const before = past[i];
    if (before === undefined || heads !== kvHeads) throw new Error('only plain attention is exported');
    const [k, v] = [concat(b, [before.k, newK], 2), concat(b, [before.v, newV], 2)];
    present.push(k, v);
    const shares = b.one('Softmax', [add(b, matMul(b, q, transposeLast(b, k)), mask)], { axis: -1 });
    return reshape(b, transpose(b, matMul(b, shares, v), [0, 2, 1, 3]), [0, 0, heads * headDim]);
  });
  const head = w.get('head') ?? w.get('embed');
  if (head === undefined) throw new Error('there is no head');
  b.output('logits', matMul(b, states, transposeLast(b, head)));
  present.forEach((value, i) => b.output(`present.${Math.floor(i / 2)}.${i % 2 === 0 ? 'key' : 'value'}`, value));
  return b.build();
};

/** Puts a model folder for transformers.js on disk and starts a process with it; undefined where it is not installed. */
export const openTransformers = async (
  shape: ModelShape,
  weights: Weights,
  request: { readonly threads: number; readonly prompts: readonly (readonly number[])[]; readonly newTokens: number },
): Promise<LinePeer | undefined> => {
  if (process.env['TRIPOST_TRANSFORMERS_JS'] === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tripost-export-'));
  try {
    mkdirSync(join(folder, 'onnx'));
    writeFileSync(join(folder, 'onnx', 'model.onnx'), encodeModel(exportGraph(shape, weights)));
    const config = {
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      hidden_size: shape.hiddenSize,
      num_hidden_layers: shape.layers,
      num_attention_heads: shape.heads,
      num_key_value_heads: shape.kvHeads,
      head_dim: shape.headDim,
      vocab_size: shape.vocabSize,
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'generation_config.json'), JSON.stringify({}));
    const peer = new LinePeer('node', [join(__dirname, '..', '..', 'bench', 'peers', 'transformersGenerate.mjs')]);
    await peer.ask(JSON.stringify({ folder, ...request }), () => undefined);
    return peer;
  } finally {
    rmSync(folder, { recursive: true });
  }
};
