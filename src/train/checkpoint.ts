import type { Either } from 'fp-ts/Either';
import { isLeft, right } from 'fp-ts/Either';
import { type Digest, isMapping } from '../../events/digest';
import { digestOf } from '../../events/digest';
import type { SpecialIds } from './checkpointConfig';
import { configText, shapeOfConfig } from './checkpointConfig';
import type { CheckpointError } from './checkpointError';
import { wrong } from './checkpointError';
import { indexFile, readWeights, shardName, wholeFile } from './checkpointWeights';
import type { WrittenType } from './floatBytes';
import { isCount, parsed, quoted } from './jsonShape';
import type { ModelShape, Weights } from './modelShape';
import { parametersOf } from './modelShape';
import { writeSafetensors } from './safetensors';

export type { CheckpointError } from './checkpointError';

/** A Hugging Face folder of a Llama-family model, as values. */
export interface Checkpoint {
  readonly shape: ModelShape;
  readonly weights: Weights;
  readonly tokenizerJson: string;
  /** Rows end with it: the first `eos_token_id`. */
  readonly endId: number;
  /** Absent for a model that was made here; what is trained from a model has it from that model. */
  readonly kept?: Kept | undefined;
}

/** What the folder of a base has beside shape, weights and tokenizer.json, to be written back as it is. */
export interface Kept {
  readonly specials: SpecialIds;
  /** Every id that ends a text: those of config.json, and those that generation_config.json has besides. */
  readonly stopIds: readonly number[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Settings of generation and of tokenizers, and chat templates: nothing here reads them, but the next reader may. */
const keptFile =
  /^((generation|tokenizer)_config|special_tokens_map|added_tokens|vocab|chat_template)\.json$|^chat_template\.jinja$|^merges\.txt$|^tokenizer\.model$/;

/** Whether a file of a Hugging Face folder belongs to the checkpoint, and not to its description. */
export const isCheckpointFile = (name: string): boolean =>
  ['config.json', 'tokenizer.json', wholeFile, indexFile].includes(name) || shardName.test(name) || keptFile.test(name);

/** What a tokenizer.json calls an id, or undefined. */
const tokenOf = (tokenizerJson: string, id: number): string | undefined => {
  const json = parsed(tokenizerJson);
  const added: unknown = isMapping(json) ? json['added_tokens'] : undefined;
  const token: unknown = Array.isArray(added) ? added.find((each) => isMapping(each) && each['id'] === id) : undefined;
  return isMapping(token) && typeof token['content'] === 'string' ? token['content'] : undefined;
};

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const json = (value: unknown): Uint8Array => text(`${JSON.stringify(value, null, 2)}\n`);

/** What a model that was made here has beside shape and weights. Throws TypeError where endId is no added token. */
const madeHere = ({ shape, tokenizerJson, endId }: Checkpoint): Kept => {
  const end = tokenOf(tokenizerJson, endId);
  if (end === undefined) throw new TypeError(`encodeCheckpoint: endId: expected an added token's id, got ${endId}`);
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
  return {
    specials: { bos: endId, eos: [endId], pad: endId },
    stopIds: [endId],
    files: new Map([
      ['generation_config.json', json({ _from_model_config: true, ...generation })],
      ['special_tokens_map.json', json(specials)],
      ['tokenizer_config.json', json(tokenizerConfig)],
    ]),
  };
};

/**
 * The files of a checkpoint by name, deterministic bytes; transformers loads the folder. Weights are float32 unless a
 * smaller type is asked for. Throws TypeError where they are not the shape's.
 */
export const encodeCheckpoint = (checkpoint: Checkpoint, dtype: WrittenType = 'F32'): Map<string, Uint8Array> => {
  const { shape, weights, tokenizerJson } = checkpoint;
  const { specials, files } = checkpoint.kept ?? madeHere(checkpoint);
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
  const all = new Map([
    ...files,
    ['config.json', text(configText(shape, specials, dtype))],
    [wholeFile, writeSafetensors(tensors, { format: 'pt' }, 'by-name', dtype)],
    ['tokenizer.json', text(tokenizerJson)],
  ]);
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const textOf = (files: ReadonlyMap<string, Uint8Array>, file: string): Either<CheckpointError, string> => {
  const bytes = files.get(file);
  if (bytes === undefined) return wrong('FileMissing', file, '', 'the file', 'none');
  try {
    return right(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return wrong('FileDamaged', file, '', 'UTF-8', 'broken UTF-8');
  }
};

/** The ids that end a text by generation_config.json, as far as they are ids of the model. */
const generationEnds = (
  files: ReadonlyMap<string, Uint8Array>,
  vocabSize: number,
): Either<CheckpointError, number[]> => {
  const file = 'generation_config.json';
  if (!files.has(file)) return right([]);
  const read = textOf(files, file);
  if (isLeft(read)) return read;
  const config = parsed(read.right);
  if (!isMapping(config)) return wrong('FileDamaged', file, '', 'a JSON object', quoted(read.right));
  const ends = config['eos_token_id'] ?? [];
  const ids: readonly unknown[] = Array.isArray(ends) ? ends : [ends];
  const isEnd = (id: unknown): id is number => isCount(id) && id < vocabSize;
  if (ids.every(isEnd)) return right([...ids]);
  return wrong('FileDamaged', file, 'eos_token_id', `ids below vocab_size, ${vocabSize}`, quoted(ends));
};

/** What a folder says of the model before its weights are read. */
const readHead = (files: ReadonlyMap<string, Uint8Array>) => {
  const config = textOf(files, 'config.json');
  if (isLeft(config)) return config;
  const object = parsed(config.right);
  if (!isMapping(object)) return wrong('FileDamaged', 'config.json', '', 'a JSON object', quoted(config.right));
  const known = shapeOfConfig(object);
  if (isLeft(known)) return known;
  const tokenizerJson = textOf(files, 'tokenizer.json');
  if (isLeft(tokenizerJson)) return tokenizerJson;
  const { shape, specials } = known.right;
  const [endId = 0] = specials.eos;
  return right({ shape, specials, tokenizerJson: tokenizerJson.right, endId });
};

/** The tokenizer of a folder as text, with the id that ends a row, from config.json and tokenizer.json alone. */
export const decodeTokenizer = (
  files: ReadonlyMap<string, Uint8Array>,
): Either<CheckpointError, Pick<Checkpoint, 'tokenizerJson' | 'endId'>> => readHead(files);

/**
 * Reads the files of a Hugging Face folder. Refuses, by the field's name, a model that ModelShape cannot express. Weights
 * of any float type become float32. Files that `isCheckpointFile` does not know are not looked at.
 */
export const decodeCheckpoint = (files: ReadonlyMap<string, Uint8Array>): Either<CheckpointError, Checkpoint> => {
  const head = readHead(files);
  if (isLeft(head)) return head;
  const { shape, specials, tokenizerJson, endId } = head.right;
  const ends = generationEnds(files, shape.vocabSize);
  if (isLeft(ends)) return ends;
  const weights = readWeights(files, shape);
  if (isLeft(weights)) return weights;
  const kept: Kept = {
    specials,
    stopIds: [...new Set([...specials.eos, ...ends.right])],
    files: new Map([...files].filter(([name]) => keptFile.test(name))),
  };
  return right({ shape, weights: weights.right, tokenizerJson, endId, kept });
};

/** One digest for a folder: over its files' digests by name. */
export const checkpointDigest = (fileDigests: ReadonlyMap<string, Digest>): Digest =>
  digestOf(Object.fromEntries([...fileDigests].sort(([a], [b]) => (a < b ? -1 : 1))));
