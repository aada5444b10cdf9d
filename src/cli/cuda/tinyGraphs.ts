import type { Graph } from '../../onnx/graph';
import { decodeTensors, type DecodeWeights } from '../../train/decode/decodeWeights';
import { prefillGraph, scoreGraph } from '../../train/decode/prefillGraph';
import { stepGraph } from '../../train/decode/stepGraph';
import { initialWeights } from '../../train/initialWeights';
import type { ModelShape } from '../../train/modelShape';
import { paperTrainConfig } from '../../train/trainConfig';
import { gradientGraph, lossGraph } from '../../train/trainGraph';

const shape: ModelShape = {
  vocabSize: 16,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 16,
};

/** The graphs that a training and a decoding run, for a tiny model: a larger one has the same operators. */
export const tinyGraphs = (): { readonly training: readonly Graph[]; readonly decoding: readonly Graph[] } => {
  const tensors = decodeTensors(shape, initialWeights(shape, 1), shape.maxPositions);
  const weights: DecodeWeights = { tensors, as: 'inputs' };
  return {
    training: [gradientGraph(shape, paperTrainConfig, 8), lossGraph(shape, paperTrainConfig, 8)],
    decoding: [prefillGraph(shape, weights), stepGraph(shape, weights), scoreGraph(shape, weights)],
  };
};
