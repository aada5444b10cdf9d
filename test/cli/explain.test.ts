import { exitCodes } from '../../src/cli/exitCodes';
import { explain, type Where } from '../../src/cli/explain';
import type { OfTag, Tag } from '../../src/cli/explain/explained';
import { decodingMemory, trainingMemory } from '../../src/train/memoryEstimate';
import type { ModelShape } from '../../src/train/modelShape';
import { expectGolden } from '../support/golden';

/** SmolLM2-135M's. */
const sampleShape: ModelShape = {
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  ropeTheta: 10000,
  rmsNormEps: 1e-5,
  tiedEmbeddings: true,
  maxPositions: 2048,
};
const d1 = '1'.repeat(64);
const d2 = '2'.repeat(64);
const where: Where = { ledger: 'my.db', command: 'run', signal: undefined, memory: 4e9 };
const file = { file: 'config.json', field: 'hidden_act', expected: '"silu"', got: '"gelu"' };
const event = { eventId: 'e-1', stream: 'run-1', revision: 3, type: 'RunStarted', version: 1 };

/** One of every kind: a tag without a sample does not compile. */
const samples: { readonly [T in Tag]: OfTag<T> } = {
  Locked: { tag: 'Locked', where: 'my.db.lock', holder: 'process 7 on host (tripost run)' },
  NotALedger: { tag: 'NotALedger', where: 'my.db', message: 'not an SQLite database' },
  Damaged: { tag: 'Damaged', where: 'my.db, position 5', message: 'data is not JSON' },
  NoSpace: { tag: 'NoSpace', where: 'my.db', message: 'database or disk is full' },
  Unavailable: { tag: 'Unavailable', where: 'my.db', message: 'permission denied' },
  WrongExpectedRevision: { tag: 'WrongExpectedRevision', stream: 's', expected: 4, actual: 6 },
  IdConflict: { tag: 'IdConflict', stream: 's', id: 'e-1', storedIn: 's', revision: 2 },
  PartialDuplicate: { tag: 'PartialDuplicate', stream: 's', stored: 1, given: 3 },
  NotJson: { tag: 'NotJson', stream: 's', id: 'e-1', message: 'NaN is not a JSON number' },
  KeyInText: {
    tag: 'KeyInText',
    where: 'GenerationProduced e-1 for stream s, data.prompt',
    what: 'an OpenAI key (sk-...)',
  },
  NotRecorded: {
    tag: 'NotRecorded',
    callKey: d1,
    prompt: 'Q: Sort the following words',
    nearest: {
      generationId: 'g-1',
      differences: [{ part: 'sampling.temperature', here: '0', there: '0.7' }],
    },
  },
  RequestUnsupported: { tag: 'RequestUnsupported', message: 'a conversation was asked of plain completions' },
  CallGivenUp: {
    tag: 'CallGivenUp',
    where: 'http://127.0.0.1:8000/v1',
    kind: 'server-error',
    status: 503,
    attempts: 8,
    message: '503: overloaded',
  },
  EndpointRefused: {
    tag: 'EndpointRefused',
    where: 'https://api.openai.com/v1',
    model: 'gpt-9',
    kind: 'model-unknown',
    status: 404,
    message: '404 model_not_found: no such model',
  },
  BudgetReached: { tag: 'BudgetReached', budget: 'money', limit: 0.5, used: 0.4998 },
  PriceUnknown: { tag: 'PriceUnknown', model: 'my-7b', known: ['gpt-4o', 'gpt-4o-mini'] },
  BlobMissing: { tag: 'BlobMissing', digest: d1, where: 'my.db.blobs/11/1' },
  BlobDamaged: { tag: 'BlobDamaged', digest: d1, got: d2, where: 'my.db.blobs/11/1' },
  BlobNoSpace: { tag: 'BlobNoSpace', digest: d1, where: 'my.db.blobs/11/1', message: 'ENOSPC' },
  BlobUnavailable: { tag: 'BlobUnavailable', digest: d1, where: 'my.db.blobs/11/1', message: 'EACCES' },
  UnknownType: { tag: 'UnknownType', ...event, details: ['known types: RunStarted'] },
  UnknownVersion: { tag: 'UnknownVersion', ...event, details: ['known versions: 1 to 1'] },
  BadData: { tag: 'BadData', ...event, details: ['seed: expected Count, got "x"'] },
  PromptTooLong: { tag: 'PromptTooLong', tokens: 300, limit: 128, prompt: 'Q: Sort the following words' },
  BadSampling: { tag: 'BadSampling', message: 'expected topK from 1, got 0' },
  Interrupted: { tag: 'Interrupted' },
  ModelUnavailable: { tag: 'ModelUnavailable', message: 'RunFailed: out of memory' },
  DecodingOutOfMemory: {
    tag: 'DecodingOutOfMemory',
    message: 'std::bad_alloc',
    ...decodingMemory({ shape: sampleShape, batch: 64, copies: 2 }),
  },
  GraphRefused: { tag: 'GraphRefused', message: 'no such operator' },
  RunFailed: { tag: 'RunFailed', message: 'out of memory' },
  RuntimeMissing: { tag: 'RuntimeMissing', message: 'cannot open shared object file' },
  CudaUnavailable: {
    tag: 'CudaUnavailable',
    reasons: ['CUDA 11 is installed (libcudart.so.11), CUDA 12 is wanted', 'not found: libcudart.so.12'],
    fix: 'sudo apt-get install -y cuda-libraries-12-9',
  },
  FileMissing: { ...file, tag: 'FileMissing' },
  FileDamaged: { ...file, tag: 'FileDamaged' },
  ConfigUnsupported: { ...file, tag: 'ConfigUnsupported' },
  ConfigDamaged: { ...file, tag: 'ConfigDamaged' },
  TensorMissing: { ...file, tag: 'TensorMissing' },
  TensorExtra: { ...file, tag: 'TensorExtra' },
  TensorShape: { ...file, tag: 'TensorShape' },
  TensorNotFinite: { ...file, tag: 'TensorNotFinite' },
  TokenizerNotJson: { tag: 'TokenizerNotJson', expected: 'a JSON object', got: 'nothing' },
  TokenizerUnsupported: { tag: 'TokenizerUnsupported', field: 'normalizer', expected: 'null', got: 'NFC' },
  TokenizerDamaged: { tag: 'TokenizerDamaged', field: 'model.vocab', expected: 'ids', got: 'null' },
  RuleMissing: {
    tag: 'RuleMissing',
    rule: 'short',
    module: './rule.cjs',
    source: d1,
    atHand: [{ module: 'other/rule.cjs', source: d2 }],
  },
  RuleFailed: {
    tag: 'RuleFailed',
    rule: 'short',
    module: './rule.cjs',
    candidate: 'c-1',
    message: 'turns is not iterable',
    stack: 'TypeError: turns is not iterable\n    at judge (rule.cjs:3:5)',
  },
  RuleModuleUnusable: { tag: 'RuleModuleUnusable', module: './rule.cjs', message: 'it cannot be read: ENOENT' },
  RuleSourceDiffers: { tag: 'RuleSourceDiffers', module: './rule.cjs', rule: 'short', expected: d1, got: d2 },
  CannotPose: { tag: 'CannotPose', task: 'word-sorting', message: 'the seen cells are too small' },
  VerifierFailed: {
    tag: 'VerifierFailed',
    command: 'node verify.mjs',
    message: 'it ended with exit code 1',
    stderr: 'TypeError: x is not a function\n    at verify.mjs:3',
  },
  VerifierDiffers: {
    tag: 'VerifierDiffers',
    command: 'node verify.mjs',
    first: '{"verdict":"correct"}',
    second: '{"verdict":"error","reason":"busy"}',
  },
  NoScript: { tag: 'NoScript', task: 'riddles' },
  NoProblems: { tag: 'NoProblems', problemSet: 'word-sorting-1' },
  TooFewRows: {
    tag: 'TooFewRows',
    policy: 'tripost',
    iteration: 1,
    rows: 0,
    needed: 1,
    byReason: { 'collect.unjudged': 4 },
  },
  DatasetUnreadable: { tag: 'DatasetUnreadable', dataset: d1, message: 'line 3: not JSON' },
  ReceiptDiffers: { tag: 'ReceiptDiffers', field: 'dataset', expected: d1, got: d2 },
  StartMissing: { tag: 'StartMissing', checkpoint: d1 },
  EmptyDataset: { tag: 'EmptyDataset', dataset: d1 },
  NothingHeldOut: { tag: 'NothingHeldOut', rows: 3, share: 0.05 },
  RowsTooLong: { tag: 'RowsTooLong', limit: 64, rows: [{ id: 'r-1', tokens: 80 }] },
  BatchWithoutWeight: { tag: 'BatchWithoutWeight', step: 3, rows: ['r-1'] },
  LossNotFinite: {
    tag: 'LossNotFinite',
    step: 3,
    loss: Number.NaN,
    gradNorm: Infinity,
    learningRate: 1e30,
    rows: ['r-1', 'r-1'],
  },
  StateUnreadable: { tag: 'StateUnreadable', checkpoint: d1, message: 'not safetensors' },
  TrainingOutOfMemory: {
    tag: 'TrainingOutOfMemory',
    message: 'Failed to allocate memory for requested buffer of size 113246208',
    ...trainingMemory({
      shape: sampleShape,
      config: { microBatch: 4, recompute: false, lora: null },
      length: 256,
      microBatches: 2,
      copies: 1,
    }),
  },
  TrainingDiffers: {
    tag: 'TrainingDiffers',
    trainingId: 't-1',
    field: 'environment',
    expected: '{"cpu":"A"}',
    got: '{"cpu":"B"}',
  },
  ArmsDiffer: {
    tag: 'ArmsDiffer',
    baseline: 'tripost',
    arm: 'no-balance',
    vary: ['policy'],
    differences: [{ path: 'train.steps', baseline: '160', other: null }],
  },
  ArmsAlike: { tag: 'ArmsAlike', baseline: 'tripost', arm: 'again' },
  Cancelled: { tag: 'Cancelled', step: 12, savedStep: 10, steps: 100 },
  Usage: { tag: 'Usage', message: '--seed: expected a whole number from 0, got "x"' },
  BadDocument: {
    tag: 'BadDocument',
    source: 'run.yaml',
    problems: [{ line: 3, column: 1, path: 'sed', message: 'unknown key "sed".' }],
  },
  UnknownName: { tag: 'UnknownName', message: 'There is no policy "x".' },
  IdNotFound: { tag: 'IdNotFound', what: 'run', id: 'abc', known: ['def'] },
  IdAmbiguous: { tag: 'IdAmbiguous', what: 'run', id: 'abcdef', found: ['abcdef1', 'abcdef2'] },
  InputUnreadable: { tag: 'InputUnreadable', path: 'run.yaml', message: 'ENOENT: no such file' },
  BadLines: { tag: 'BadLines', path: 'a.jsonl', lines: ['line 1: it is no JSON'], total: 1 },
  WouldOverwrite: { tag: 'WouldOverwrite', path: 'run.yaml', message: 'it is there already' },
  OutputUnwritable: { tag: 'OutputUnwritable', path: 'out', message: 'ENOSPC', full: true },
  NoLedger: { tag: 'NoLedger', path: '/x/ledger.db' },
  MirrorDiffers: {
    tag: 'MirrorDiffers',
    mirror: '/x/host-2113.mirror.db',
    ledger: 'kurrentdb://host:2113',
    id: 'e-1',
    position: '12',
  },
  CopyDiffers: { tag: 'CopyDiffers', position: 3, expected: `A e-1, leaf ${d1}`, got: `B e-2, leaf ${d2}` },
  RootsDiffer: { tag: 'RootsDiffer', from: { size: 9, root: d1 }, to: { size: 10, root: d2 } },
  CannotListen: { tag: 'CannotListen', where: '127.0.0.1:80', message: 'listen EACCES: permission denied' },
  Stopped: { tag: 'Stopped', what: '3 lines were judged' },
  NotSealed: { tag: 'NotSealed', eventId: 'e-1', index: 9, size: 8 },
  RootDiffers: { tag: 'RootDiffers', size: 8, expected: d1, got: d2 },
  SignatureDiffers: { tag: 'SignatureDiffers', where: 'seal.json, the seal over 8 events', key: '0011', got: 'bad' },
  KeyUnreadable: {
    tag: 'KeyUnreadable',
    path: 'key.pem',
    expected: 'an Ed25519 private key in PEM',
    got: 'a key of type rsa',
  },
};

describe('explain', () => {
  it('has a message for every fault', () => {
    const text = Object.values(samples)
      .map((fault) => {
        const { exit, message } = explain(fault, where);
        return `## ${fault.tag} (exit ${exitCodes[exit].code}, ${exit})\n${message}\n`;
      })
      .join('\n');
    expect(text).not.toMatch(/undefined|\[object/);
    expectGolden('cli/messages.txt', text);
  });

  it.each(Object.values(samples))('$tag: says what and what to do next, in a few lines', (fault) => {
    const lines = explain(fault, where).message.split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(lines.every((line) => line.trim() !== '' && line.length < 240)).toBe(true);
  });

  it('tells apart who asked to stop', () => {
    expect(explain(samples['Cancelled'], { ...where, signal: 'SIGINT' }).exit).toBe('interrupted');
    expect(explain(samples['Cancelled'], { ...where, signal: 'SIGTERM' }).exit).toBe('terminated');
    expect(explain({ tag: 'Cancelled', done: 3, total: 9 }, where).message).toContain('Stopped after 3 of 9.');
  });

  it('gives each family an exit code of its own', () => {
    const codes = Object.values(exitCodes).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    const families = new Set(Object.values(samples).map((fault) => explain(fault, where).exit));
    expect(families.size).toBeGreaterThanOrEqual(13);
  });
});
