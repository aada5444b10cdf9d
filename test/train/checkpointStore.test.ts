import * as E from 'fp-ts/Either';
import * as TE from 'fp-ts/TaskEither';
import { digestOf, sha256 } from '../../events/digest';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import { encodeCheckpoint } from '../../src/train/checkpoint';
import { loadCheckpoint, openFiles, storeFiles } from '../../src/train/checkpointStore';
import { initialWeights } from '../../src/train/initialWeights';
import { must } from '../support/events';
import { shape, tokenizer } from './tinyTraining';

const checkpoint = { shape, weights: initialWeights(shape, 3), tokenizerJson: tokenizer.json, endId: tokenizer.endId };

describe('a checkpoint in the blob store', () => {
  it('is its files by digest, and comes back whole', async () => {
    const blobs = memoryBlobStore();
    const stored = must(await storeFiles(blobs, encodeCheckpoint(checkpoint)));
    expect(Object.keys(stored.files).sort()).toEqual([...encodeCheckpoint(checkpoint).keys()].sort());
    expect(stored.digest).toBe(digestOf(stored.files));
    expect(stored.weights).toBe(sha256(encodeCheckpoint(checkpoint).get('model.safetensors') ?? ''));
    const loaded = must(await loadCheckpoint(blobs, stored.digest, stored.files));
    expect(loaded).toMatchObject({ ...checkpoint, digest: stored.digest });
    expect(loaded.tokenizer.digest).toBe(tokenizer.digest);
    expect(must(await storeFiles(blobs, encodeCheckpoint(checkpoint)))).toEqual(stored);
  });

  it('names the file that is lost', async () => {
    const blobs = memoryBlobStore();
    const stored = must(await storeFiles(blobs, encodeCheckpoint(checkpoint)));
    const lost = stored.weights;
    const missing = { tag: 'BlobMissing', digest: lost, where: 'memory' } as const;
    const without = { ...blobs, get: (digest: string) => (digest === lost ? TE.left(missing) : blobs.get(digest)) };
    expect(await loadCheckpoint(without, stored.digest, stored.files)).toEqual(E.left(missing));
  });

  it('is refused where a file is not what it should be, before any use', () => {
    const files = encodeCheckpoint(checkpoint);
    const refused = (name: string, bytes: Uint8Array | undefined): unknown => {
      const changed = new Map(files);
      if (bytes === undefined) changed.delete(name);
      else changed.set(name, bytes);
      return openFiles(sha256('?'), changed);
    };
    expect(refused('model.safetensors', undefined)).toMatchObject(E.left({ file: 'model.safetensors' }));
    expect(refused('model.safetensors', Uint8Array.of(1))).toMatchObject(E.left({ file: 'model.safetensors' }));
    expect(refused('config.json', Buffer.from('{'))).toMatchObject(E.left({ file: 'config.json' }));
  });

  it('may have more embeddings than the tokenizer has ids, but none fewer', () => {
    const opened = (vocabSize: number): unknown => {
      const other = { ...shape, vocabSize };
      return openFiles(
        sha256('?'),
        encodeCheckpoint({ ...checkpoint, shape: other, weights: initialWeights(other, 3) }),
      );
    };
    expect(opened(320)).toMatchObject(E.right({ tokenizer: { vocabSize: 257 }, shape: { vocabSize: 320 } }));
    expect(opened(257)).toMatchObject(E.right({}));
  });

  it('names the first token for which it has no embedding', () => {
    const json: { added_tokens: object[] } = JSON.parse(tokenizer.json);
    const more = ['<|b|>', '<|a|>'].map((content, i) => ({ ...json.added_tokens[0], id: 259 - i, content }));
    const tokenizerJson = JSON.stringify({ ...json, added_tokens: [...json.added_tokens, ...more] });
    const smaller = { ...shape, vocabSize: 258 };
    const files = encodeCheckpoint({
      ...checkpoint,
      tokenizerJson,
      shape: smaller,
      weights: initialWeights(smaller, 3),
    });
    expect(openFiles(sha256('?'), files)).toEqual(
      E.left({
        tag: 'ConfigDamaged',
        file: 'config.json',
        field: 'vocab_size',
        expected: 'more than 258, which tokenizer.json gives to "<|a|>"',
        got: '258',
      }),
    );
  });
});
