import { digestOf, sha256 } from '../../events/digest';
import { encodeCheckpoint } from '../../src/train/checkpoint';
import { openFiles } from '../../src/train/checkpointStore';
import { initialWeights } from '../../src/train/initialWeights';
import { loadTokenizer, type Tokenizer } from '../../src/train/tokenizer';
import { must } from '../support/events';
import { shape as tinyShape } from './tinyTraining';
import { golden } from './tokenizerFixtures';

const llama2 = golden('llama2.tokenizer.json');
const qwen2 = golden('qwen2.tokenizer.json');
const withProcessor = (post_processor: unknown): string => JSON.stringify({ ...JSON.parse(llama2), post_processor });

const text = { Sequence: { id: 'A', type_id: 0 } };
const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const special_tokens = {
  '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] },
  '</s>': { id: '</s>', ids: [2], tokens: [] },
};
const template = (...single: readonly object[]) => ({ type: 'TemplateProcessing', single, pair: [], special_tokens });

const startOf = (json: string, config?: unknown, end = '</s>'): readonly number[] => opened(json, config, end).startIds;
const opened = (json: string, config?: unknown, end = '</s>'): Tokenizer =>
  must(loadTokenizer(json, end, config === undefined ? undefined : JSON.stringify(config)));

describe('what a row and a prompt begin with', () => {
  it('is what the template puts in front of a text; an end token behind it is none of it', () => {
    expect(startOf(llama2)).toEqual([1]);
    expect(startOf(withProcessor(null))).toEqual([]);
    expect(startOf(withProcessor({ type: 'ByteLevel' }))).toEqual([]);
    expect(startOf(withProcessor(template(text)))).toEqual([]);
    expect(startOf(withProcessor(template(token('<s>'), text, token('</s>'))))).toEqual([1]);
    const sequence = {
      type: 'Sequence',
      processors: [{ type: 'ByteLevel' }, template(token('</s>'), token('<s>'), text)],
    };
    expect(startOf(withProcessor(sequence))).toEqual([2, 1]);
  });

  it('is what add_bos_token says, where tokenizer_config.json has it', () => {
    expect(startOf(llama2, { bos_token: '<s>' })).toEqual([1]);
    expect(startOf(llama2, { add_bos_token: true, bos_token: '<s>' })).toEqual([1]);
    expect(startOf(llama2, { add_bos_token: true, bos_token: null })).toEqual([1]);
    expect(startOf(llama2, { add_bos_token: false, bos_token: '<s>' })).toEqual([]);
    const none = withProcessor(null);
    expect(startOf(none, { add_bos_token: true, bos_token: '<s>' })).toEqual([1]);
    expect(startOf(none, { add_bos_token: true, bos_token: { content: '<s>', lstrip: false } })).toEqual([1]);
    expect(startOf(qwen2, { add_bos_token: false, bos_token: null }, '<|endoftext|>')).toEqual([]);
  });

  it('changes the digest where tokenizer.json says otherwise, and only there', () => {
    expect(opened(llama2, { add_bos_token: true, bos_token: '<s>' }).digest).toBe(sha256(llama2));
    const without = opened(llama2, { add_bos_token: false });
    expect(without.digest).toBe(digestOf({ tokenizer: sha256(llama2), startIds: [] }));
    expect(without.json).toBe(llama2);
  });

  it.each([
    [{ type: 'BertProcessing' }, 'TokenizerUnsupported', 'post_processor'],
    [{ type: 'Sequence', processors: [template(text), template(text)] }, 'TokenizerUnsupported', 'post_processor'],
    [template(text, token('<s>')), 'TokenizerUnsupported', 'post_processor.single'],
    [template(token('<s>')), 'TokenizerDamaged', 'post_processor.single'],
    [template(token('<cls>'), text), 'TokenizerDamaged', 'post_processor.single'],
    [template(text, text), 'TokenizerDamaged', 'post_processor.single'],
    [
      { ...template(token('<s>'), text), special_tokens: { '<s>': { ids: [300] } } },
      'TokenizerDamaged',
      'post_processor.single',
    ],
  ])('is refused of a post-processor that does more: %j', (processor, tag, field) => {
    expect(loadTokenizer(withProcessor(processor), '</s>')).toMatchObject({ left: { tag, field } });
  });

  it.each([
    ['[', 'tokenizer_config.json'],
    ['{"add_bos_token": true}', 'tokenizer_config.json, bos_token'],
    ['{"add_bos_token": true, "bos_token": "<cls>"}', 'tokenizer_config.json, bos_token'],
  ])('is refused of a tokenizer_config.json that does not say which: %s', (config, field) => {
    const loaded = loadTokenizer(withProcessor(null), '</s>', config);
    expect(loaded).toMatchObject({ left: { tag: 'TokenizerDamaged', field } });
  });

  it('is read with a model folder', () => {
    const shape = { ...tinyShape, vocabSize: 617 };
    const files = encodeCheckpoint({ shape, weights: initialWeights(shape, 1), tokenizerJson: llama2, endId: 2 });
    // A model that was made here has no BOS token in front of its texts: its tokenizer_config.json says so.
    expect(must(openFiles(sha256('?'), files)).tokenizer.startIds).toEqual([]);
    files.delete('tokenizer_config.json');
    expect(must(openFiles(sha256('?'), files)).tokenizer.startIds).toEqual([1]);
  });
});
