/** Makes the config that `tripost init` writes small enough for seconds; `positions`: how many tokens the model reads. */
export const smallRun = (positions: number): readonly string[] =>
  [
    'task.train=6',
    'task.testSeen=2',
    'task.testUnseen=2',
    'base.tokenizer.minFrequency=2',
    `base.shape={"hiddenSize":16,"intermediateSize":24,"layers":1,"heads":2,"kvHeads":1,"headDim":8,"maxPositions":${positions}}`,
    'base.train.steps=3',
    'base.train.batchSize=4',
    'iterations=1',
    'collect.sampling.maxTokens=24',
    'train.steps=2',
    'train.batchSize=4',
    'evaluate.maxTokens=24',
  ].flatMap((override) => ['-S', override]);
