import type { Either } from 'fp-ts/Either';
import { isLeft, right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { CheckpointError } from './checkpointError';
import { wrong } from './checkpointError';
import { isRecordOf, isText, parsed, quoted } from './jsonShape';
import type { ModelShape, Weights } from './modelShape';
import { parametersOf } from './modelShape';
import type { StoredTensor } from './safetensors';
import { readSafetensors } from './safetensors';

type Files = ReadonlyMap<string, Uint8Array>;
type Read<T> = Either<CheckpointError, T>;

export const wholeFile = 'model.safetensors';
export const indexFile = 'model.safetensors.index.json';
export const shardName = /^model-(\d+)-of-(\d+)\.safetensors$/;

const dimsText = (dims: readonly number[]): string => `[${dims.join(', ')}]`;

/** Which file holds which tensor, as the index of the shards says. */
const weightMapOf = (index: Uint8Array): Read<ReadonlyMap<string, string>> => {
  const json = parsed(new TextDecoder().decode(index));
  const map: unknown = isMapping(json) ? json['weight_map'] : undefined;
  if (!isMapping(map)) return wrong('FileDamaged', indexFile, 'weight_map', 'an object', quoted(map));
  if (isRecordOf(map, isText)) return right(new Map(Object.entries(map)));
  const [name = '', file] = Object.entries(map).find(([, each]) => !isText(each)) ?? [];
  return wrong('FileDamaged', indexFile, `weight_map.${name}`, 'the name of a shard', quoted(file));
};

/** The weight files of a folder: the whole one, or all shards that the index or their own names ask for. */
const weightFilesOf = (files: Files, map: ReadonlyMap<string, string> | undefined): Read<readonly string[]> => {
  if (map !== undefined) return right([...new Set(map.values())].sort());
  const shards = [...files.keys()].filter((file) => shardName.test(file)).sort();
  const [first] = shards;
  if (first === undefined) return wrong('FileMissing', wholeFile, '', 'the file', 'none');
  const [, digits = '', count = ''] = shardName.exec(first) ?? [];
  const numbers = Array.from({ length: Number(count) }, (_, i) => String(i + 1).padStart(digits.length, '0'));
  return right([...new Set([...numbers.map((number) => `model-${number}-of-${count}.safetensors`), ...shards])]);
};

/** That the shards hold what the index says, each tensor in its own shard and no other tensor. */
const checkIndex = (
  map: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, { readonly file: string }>,
): Read<null> => {
  for (const [name, file] of map) {
    const holder = tensors.get(name)?.file;
    if (holder === file) continue;
    return wrong('TensorMissing', file, name, `it here, as ${indexFile} says`, holder ? `it in ${holder}` : 'none');
  }
  for (const [name, { file }] of tensors)
    if (!map.has(name)) return wrong('TensorExtra', file, name, `only what ${indexFile} lists`, 'a tensor');
  return right(null);
};

/** The tensors of model.safetensors, or of the shards that stand in its place. */
const tensorsOf = (files: Files): Read<ReadonlyMap<string, StoredTensor & { readonly file: string }>> => {
  const isWhole = files.has(wholeFile);
  const index = isWhole ? undefined : files.get(indexFile);
  const map = index === undefined ? right(undefined) : weightMapOf(index);
  if (isLeft(map)) return map;
  const names = isWhole ? right([wholeFile]) : weightFilesOf(files, map.right);
  if (isLeft(names)) return names;
  const tensors = new Map<string, StoredTensor & { readonly file: string }>();
  for (const file of names.right) {
    const bytes = files.get(file);
    if (bytes === undefined) return wrong('FileMissing', file, '', 'the shard', 'none');
    const read = readSafetensors(bytes);
    if (isLeft(read)) return wrong('FileDamaged', file, read.left.where, read.left.expected, read.left.got);
    for (const tensor of read.right.tensors.values()) {
      const other = tensors.get(tensor.name);
      if (other !== undefined) return wrong('TensorExtra', file, tensor.name, `it only in ${other.file}`, 'it again');
      tensors.set(tensor.name, { ...tensor, file });
    }
  }
  const checked = map.right === undefined ? right(null) : checkIndex(map.right, tensors);
  return isLeft(checked) ? checked : right(tensors);
};

/** Tensors beside the parameters that say nothing new: rotary tables, and a tied head saved as a copy. */
const isRedundant = (tensor: StoredTensor, shape: ModelShape, weights: Weights): boolean => {
  if (tensor.name.endsWith('.rotary_emb.inv_freq')) return true;
  const embedding = weights.get('model.embed_tokens.weight');
  const isTiedHead = shape.tiedEmbeddings && tensor.name === 'lm_head.weight';
  return isTiedHead && embedding?.length === tensor.data.length && tensor.data.every((x, i) => x === embedding[i]);
};

/** `name[row, column]` of an element's place in row-major order. */
const elementName = (name: string, dims: readonly number[], place: number): string => {
  let rest = place;
  const indices = dims.toReversed().map((dim) => {
    const index = rest % dim;
    rest = (rest - index) / dim;
    return index;
  });
  return `${name}[${indices.reverse().join(', ')}]`;
};

/** The weights of a folder as float32: every parameter of the shape and no other tensor, all of them finite. */
export const readWeights = (files: Files, shape: ModelShape): Read<Weights> => {
  const tensors = tensorsOf(files);
  if (isLeft(tensors)) return tensors;
  const weights = new Map<string, Float32Array>();
  for (const { name, dims } of parametersOf(shape)) {
    const tensor = tensors.right.get(name);
    if (tensor === undefined) return wrong('TensorMissing', wholeFile, name, dimsText(dims), 'none');
    if (dimsText(tensor.dims) !== dimsText(dims)) {
      return wrong('TensorShape', tensor.file, name, dimsText(dims), dimsText(tensor.dims));
    }
    const place = tensor.data.findIndex((x) => !Number.isFinite(x));
    if (place >= 0) {
      const got = `${tensor.data[place]}`;
      return wrong('TensorNotFinite', tensor.file, elementName(name, dims, place), 'finite numbers', got);
    }
    weights.set(name, tensor.data);
  }
  for (const tensor of tensors.right.values()) {
    if (!weights.has(tensor.name) && !isRedundant(tensor, shape, weights)) {
      return wrong('TensorExtra', tensor.file, tensor.name, "only the shape's parameters", dimsText(tensor.dims));
    }
  }
  return right(weights);
};
