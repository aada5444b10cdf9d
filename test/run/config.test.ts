import * as E from 'fp-ts/Either';
import { RunConfig } from '../../src/run/config';

const least = {
  task: { name: 'word-sorting', train: 12, testSeen: 3, testUnseen: 3 },
  base: {
    tokenizer: {},
    shape: { hiddenSize: 32, intermediateSize: 48, layers: 1, heads: 2, kvHeads: 1, headDim: 16 },
  },
};

const decoded = (given: unknown): RunConfig => {
  const result = RunConfig.decode(given);
  if (E.isLeft(result)) throw new Error(result.left.map(({ message }) => message).join('; '));
  return result.right;
};

describe('the config of a run', () => {
  it('is filled in with the paper, and reads back as itself', () => {
    const config = decoded(least);
    expect(config).toMatchObject({
      iterations: 3,
      collect: {
        maxUpdates: 5,
        overCorrection: 'edit',
        stepOrder: 'numeric',
        noProgress: 'truncate',
        rightAnswer: 'fbk',
      },
      train: { epochs: 4, steps: null, batchSize: 4, warmup: 0.2, weightDecay: 0.01, learningRate: 1e-6 },
    });
    expect(decoded(config)).toEqual(config);
  });

  it('takes steps or epochs, and forgets the default of the other', () => {
    expect(decoded({ ...least, train: { steps: 10 } }).train).toMatchObject({ steps: 10, epochs: null });
    expect(decoded({ ...least, train: { steps: null } }).train).toMatchObject({ steps: null, epochs: 4 });
    const base = decoded({ ...least, base: { ...least.base, train: { epochs: 2 } } }).base.train;
    expect(base).toMatchObject({ steps: null, epochs: 2 });
    expect(() => decoded({ ...least, train: { steps: 10, epochs: 2 } })).toThrow('expected steps or epochs, got both');
    expect(() => decoded({ ...least, train: { steps: 'many' } })).toThrow(/number/);
  });

  it.each(['warmup', 'beta1', 'beta2'])('refuses a train.%s of 1 or more: a step would divide by 0', (key) => {
    expect(() => decoded({ ...least, train: { [key]: 1 } })).toThrow('expected a number from 0, below 1, got 1');
    expect(decoded({ ...least, train: { [key]: 0 } }).train).toMatchObject({ [key]: 0 });
  });

  it('refuses a key that it does not know', () => {
    expect(() => decoded({ ...least, train: { epoch: 2 } })).toThrow(/epochs/);
    expect(() => decoded({ ...least, colect: {} })).toThrow(/collect/);
  });
});
