import type { ModelError } from '../../ports/languageModel';
import type { RuntimeError } from '../../ports/tensorRuntime';
import type { CheckpointError } from '../../train/checkpoint';
import type { TokenizerError } from '../../train/tokenizer';
import type { EndpointTag } from './endpoint';
import { because, memoryLines, some, type Explained, type Table } from './explained';
import type { StoreTag } from './store';

const checkpointAdvice = (tag: CheckpointError['tag']): string => {
  if (tag === 'ConfigUnsupported')
    return 'Only models of the Llama family (Llama, Mistral, Qwen2, Qwen3, and what is built like them) can be trained and run here.';
  if (tag === 'TensorNotFinite')
    return 'Nothing was changed. The file is damaged, or the model diverged when it was trained: take an earlier checkpoint.';
  return 'Nothing was changed. Copy the model folder again, whole, or export it again with `tripost export-student`.';
};

const checkpoint = ({ file, field, expected, got, tag }: CheckpointError): Explained =>
  because(
    tag === 'ConfigUnsupported' ? 'usage' : 'blob',
    `The checkpoint cannot be used: ${file}${field === '' ? '' : `, ${field}`}`,
    `  expected ${expected}, got ${got}`,
    checkpointAdvice(tag),
  );

const tokenizer = (error: TokenizerError): Explained =>
  because(
    'usage',
    `The tokenizer cannot be used: ${'field' in error ? error.field : 'tokenizer.json'}`,
    `  expected ${error.expected}, got ${error.got}`,
    'BPE tokenizers of the Llama family can be used: byte-level (GPT-2, Llama 3, SmolLM2, Qwen, one trained here), or with space marks and byte fallback (Llama 2, TinyLlama, Mistral).',
  );

/** Messages of models of our own, their files and the runtime. */
export const modelTable: Table<
  | Exclude<ModelError['tag'], EndpointTag | StoreTag>
  | Exclude<RuntimeError['tag'], 'OutOfMemory'>
  | CheckpointError['tag']
  | TokenizerError['tag']
  | 'RuntimeMissing'
  | 'CudaUnavailable'
> = {
  PromptTooLong: ({ tokens, limit, prompt }) =>
    because(
      'usage',
      tokens === null || limit === null
        ? 'A prompt is too long for the model, or leaves no room for the answer that maxTokens keeps.'
        : `A prompt has ${tokens} tokens; with the room that maxTokens keeps for the answer, ${limit} fit.`,
      `  it begins with ${JSON.stringify(prompt.slice(0, 60))}`,
      'Lower collect.sampling.maxTokens and evaluate.maxTokens, or give base.shape a larger maxPositions.',
    ),
  BadSampling: ({ message }) =>
    because(
      'usage',
      `These sampling settings cannot be used: ${message}`,
      'Correct collect.sampling or evaluate in the config.',
    ),
  RequestUnsupported: ({ message }) =>
    because(
      'usage',
      `The model cannot be asked this: ${message}`,
      'Nothing was sent. Name another model, or another api of its endpoint.',
    ),
  Interrupted: () =>
    because(
      'interrupted',
      'Stopped while the model answered.',
      'The ledger is closed and whole. Run the same command again: it goes on from there.',
    ),
  ModelUnavailable: ({ message }) =>
    because(
      'runtime',
      'The model could not answer.',
      `  ${message}`,
      'What it answered before is on the ledger; run the same command again to go on. `tripost doctor` checks the runtime.',
    ),
  DecodingOutOfMemory: (fault, where) => {
    const [need, less] = memoryLines(fault, where);
    return because(
      'runtime',
      'Memory ran out while the model answered.',
      `  ${fault.message.slice(0, 200)}`,
      need,
      less,
      'The batch is generate.batch in a config and --batch of `tripost evaluate`; no text depends on it. What was answered before is on the ledger.',
    );
  },
  GraphRefused: ({ message }) =>
    because(
      'runtime',
      'The runtime refuses the graph.',
      `  ${message}`,
      'Nothing was changed. `tripost doctor` says which providers load; --device cpu always does.',
    ),
  RunFailed: ({ message }) =>
    because(
      'runtime',
      'The runtime failed while it computed.',
      `  ${message}`,
      'The ledger is whole; run the same command again to go on from the last saved step.',
    ),
  RuntimeMissing: ({ message }) =>
    because(
      'runtime',
      'ONNX Runtime does not load.',
      `  ${message}`,
      'Run `npm ci` again; `tripost doctor` says what is missing.',
    ),
  CudaUnavailable: ({ reasons, fix }) =>
    because(
      'runtime',
      'CUDA does not compute on this machine:',
      ...some(reasons, 5).map((reason) => `  ${reason}`),
      fix === null ? '`tripost doctor` shows what it has found.' : `Install what is missing: ${fix}`,
      '--device cpu runs anywhere, --device auto takes CUDA where it computes.',
    ),
  FileMissing: checkpoint,
  FileDamaged: checkpoint,
  ConfigUnsupported: checkpoint,
  ConfigDamaged: checkpoint,
  TensorMissing: checkpoint,
  TensorExtra: checkpoint,
  TensorShape: checkpoint,
  TensorNotFinite: checkpoint,
  TokenizerNotJson: tokenizer,
  TokenizerUnsupported: tokenizer,
  TokenizerDamaged: tokenizer,
};
