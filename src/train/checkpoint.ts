import type { Either } from 'fp-ts/Either';
import { isLeft, left, right } from 'fp-ts/Either';
import type { Digest } from '../../events/digest';
import { digestOf } from '../../events/digest';
import type { CheckpointError } from './checkpointConfig';
import { configOf, shapeOfConfig } from './checkpointConfig';
import { isObject, parsed, quoted } from './jsonShape';
import type { ModelShape, Weights } from './modelShape';
import { parametersOf } from './modelShape';
import type { StoredTensor } from './safetensors';
import { readSafetensors, writeSafetensors } from './safetensors';

export type { CheckpointError } from './checkpointConfig';

/** A Hugging Face folder of a Llama-family model, as values. */
export interface Checkpoint {
  readonly shape: ModelShape;
  readonly weights: Weights;
  readonly tokenizerJson: string;
  readonly endId: number;
}

const refuse = (tag: CheckpointError['tag'], file: string, field: string, expected: string, got: string) =>
  left<CheckpointError>({ tag, file, field, expected, got });

const dimsText = (dims: readonly number[]): string => `[${dims.join(', ')}]`;

/** What a tokenizer.json calls an id, or undefined. */
const tokenOf = (tokenizerJson: string, id: number): string | undefined => {
  const json = parsed(tokenizerJson);
  const added: unknown = isObject(json) ? json['added_tokens'] : undefined;
  const token: unknown = Array.isArray(added) ? added.find((each) => isObject(each) && each['id'] === id) : undefined;
  return isObject(token) && typeof token['content'] === 'string' ? token['content'] : undefined;
};

/**
 * The files of a checkpoint by name, deterministic bytes; transformers loads the folder. Throws TypeError where the
 * weights are not the shape's or endId is no added token of the tokenizer.
 */
export const encodeCheckpoint = ({ shape, weights, tokenizerJson, endId }: Checkpoint): Map<string, Uint8Array> => {
  const end = tokenOf(tokenizerJson, endId);
  if (end === undefined) throw new TypeError(`encodeCheckpoint: endId: expected an added token's id, got ${endId}`);
  const parameters = parametersOf(shape);
  const tensors = parameters.map(({ name, dims }) => {
    const data = weights.get(name);
    if (data === undefined) throw new TypeError(`encodeCheckpoint: weights: expected ${name}, got none`);
    return { name, dims, data };
  });
  if (weights.size !== parameters.length) {
    const extra = [...weights.keys()].find((name) => !parameters.some((parameter) => parameter.name === name));
    throw new TypeError(`encodeCheckpoint: weights: expected no more than the shape's, got ${extra ?? 'more'}`);
  }
  const specials = { bos_token: end, eos_token: end, pad_token: end };
  const tokenizerConfig = {
    add_bos_token: false,
    add_eos_token: false,
    add_prefix_space: false,
    ...specials,
    clean_up_tokenization_spaces: false,
    model_max_length: shape.maxPositions,
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: null,
  };
  const generation = { bos_token_id: endId, eos_token_id: endId, pad_token_id: endId };
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const json = (value: unknown): Uint8Array => text(`${JSON.stringify(value, null, 2)}\n`);
  return new Map([
    ['config.json', json(configOf(shape, endId))],
    ['generation_config.json', json({ _from_model_config: true, ...generation })],
    ['model.safetensors', writeSafetensors(tensors, { format: 'pt' })],
    ['special_tokens_map.json', json(specials)],
    ['tokenizer.json', text(tokenizerJson)],
    ['tokenizer_config.json', json(tokenizerConfig)],
  ]);
};

const textOf = (files: ReadonlyMap<string, Uint8Array>, file: string): Either<CheckpointError, string> => {
  const bytes = files.get(file);
  if (bytes === undefined) return refuse('FileMissing', file, '', 'the file', 'none');
  try {
    return right(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return refuse('FileDamaged', file, '', 'UTF-8', 'broken UTF-8');
  }
};

/** The tensors of model.safetensors, or of the shards that stand in its place. */
const tensorsOf = (
  files: ReadonlyMap<string, Uint8Array>,
): Either<CheckpointError, ReadonlyMap<string, StoredTensor & { readonly file: string }>> => {
  const shards = [...files.keys()].filter((file) => /^model(-\d+-of-\d+)?\.safetensors$/.test(file)).sort();
  const whole = shards.includes('model.safetensors') ? ['model.safetensors'] : shards;
  if (whole.length === 0) return refuse('FileMissing', 'model.safetensors', '', 'the file', 'none');
  const tensors = new Map<string, StoredTensor & { readonly file: string }>();
  for (const file of whole) {
    const read = readSafetensors(files.get(file) ?? new Uint8Array(0));
    if (isLeft(read)) return refuse('FileDamaged', file, read.left.where, read.left.expected, read.left.got);
    for (const tensor of read.right.tensors.values()) {
      const other = tensors.get(tensor.name);
      if (other !== undefined) return refuse('TensorExtra', file, tensor.name, `it only in ${other.file}`, 'it again');
      tensors.set(tensor.name, { ...tensor, file });
    }
  }
  return right(tensors);
};

/** Tensors beside the parameters that say nothing new: rotary tables, and a tied head saved as a copy. */
const isRedundant = (tensor: StoredTensor, shape: ModelShape, weights: Weights): boolean => {
  if (tensor.name.endsWith('.rotary_emb.inv_freq')) return true;
  const embedding = weights.get('model.embed_tokens.weight');
  const isTiedHead = shape.tiedEmbeddings && tensor.name === 'lm_head.weight';
  return isTiedHead && embedding?.length === tensor.data.length && tensor.data.every((x, i) => x === embedding[i]);
};

const weightsOf = (files: ReadonlyMap<string, Uint8Array>, shape: ModelShape): Either<CheckpointError, Weights> => {
  const tensors = tensorsOf(files);
  if (isLeft(tensors)) return tensors;
  const weights = new Map<string, Float32Array>();
  for (const { name, dims } of parametersOf(shape)) {
    const tensor = tensors.right.get(name);
    if (tensor === undefined) return refuse('TensorMissing', 'model.safetensors', name, dimsText(dims), 'none');
    if (dimsText(tensor.dims) !== dimsText(dims)) {
      return refuse('TensorShape', tensor.file, name, dimsText(dims), dimsText(tensor.dims));
    }
    weights.set(name, tensor.data);
  }
  for (const tensor of tensors.right.values()) {
    if (!weights.has(tensor.name) && !isRedundant(tensor, shape, weights)) {
      return refuse('TensorExtra', tensor.file, tensor.name, "only the shape's parameters", dimsText(tensor.dims));
    }
  }
  return right(weights);
};

/**
 * Reads the files of a Hugging Face folder; others than config.json, tokenizer.json and the weights are not looked at.
 * Refuses, by the field's name, a model that ModelShape cannot express. Weights of any float type become float32.
 */
export const decodeCheckpoint = (files: ReadonlyMap<string, Uint8Array>): Either<CheckpointError, Checkpoint> => {
  const config = textOf(files, 'config.json');
  if (isLeft(config)) return config;
  const json = parsed(config.right);
  if (!isObject(json)) return refuse('FileDamaged', 'config.json', '', 'a JSON object', quoted(config.right));
  const known = shapeOfConfig(json);
  if (isLeft(known)) return known;
  const tokenizerJson = textOf(files, 'tokenizer.json');
  if (isLeft(tokenizerJson)) return tokenizerJson;
  const { shape, endId } = known.right;
  const weights = weightsOf(files, shape);
  if (isLeft(weights)) return weights;
  return right({ shape, weights: weights.right, tokenizerJson: tokenizerJson.right, endId });
};

/** One digest for a folder: over its files' digests by name. */
export const checkpointDigest = (fileDigests: ReadonlyMap<string, Digest>): Digest =>
  digestOf(Object.fromEntries([...fileDigests].sort(([a], [b]) => (a < b ? -1 : 1))));
