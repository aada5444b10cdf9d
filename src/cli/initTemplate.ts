/** The config that `tripost init` writes: small enough for a few minutes on two cores, with every knob that matters. */
export const configTemplate = `# The config of one run: tripost run run.yaml
# Every key that is left out has a default; an unknown key is refused with the key that was probably meant.
# Any value can be overridden on the command line: -S train.steps=40

# Root of every draw of collection, training and evaluation. The same config and seed give the same digests.
seed: 1

# Problems are drawn by the task's own generator: multistep-arithmetic or word-sorting.
task:
  name: word-sorting
  # Difficulty. seen: trained on; unseen: only tested. A student this small learns short lists of short words.
  config: { alphabet: abcdefghij, wordLength: { from: 1, to: 2 }, seen: [2, 3, 4], unseen: [5] }
  seed: 7
  train: 1500
  testSeen: 150
  testUnseen: 50

# The base: a student trained from nothing on gold rationales (the paper's stage 0).
base:
  seed: 1
  policy: ft-rationale
  # One token per letter, number and frequent piece keeps rows short, which is what makes a small student learn.
  tokenizer: { vocabSize: 640, minFrequency: 50, pattern: words, merges: false }
  shape: { hiddenSize: 128, intermediateSize: 384, layers: 4, heads: 4, kvHeads: 2, headDim: 32, maxPositions: 256 }
  train: { steps: 500, batchSize: 32, learningRate: 2.0e-3, warmup: 0.05, schedule: cosine, checkpointEvery: 100, lengthMultiple: 16 }
  # A folder made by \`tripost export-student\`: imported with its receipt instead of trained again.
  trained: null

# How often to collect, derive, train and evaluate.
iterations: 2

# What a dataset is made of: a preset (tripost, tripost-no-balance, ft-rationale, star, rft, ...) or a YAML file.
policy: tripost

# Interactive trajectory editing: the student answers, judges itself and updates; the script edits where it errs.
collect:
  passes: 1
  maxUpdates: 5
  sampling: { temperature: 1, maxTokens: 150 }

# Training of one iteration, from the student before it.
train: { steps: 150, epochs: null, batchSize: 32, learningRate: 5.0e-4, warmup: 0.1, checkpointEvery: 50, lengthMultiple: 16 }

evaluate: { temperature: 0, maxTokens: 150 }

# Problems answered at once.
generate: { batch: 64 }
`;

export const hintTemplate = `# A tripost experiment

\`run.yaml\` says everything about the run. Nothing else decides its results.

    tripost run run.yaml --dry-run            # what it would do
    tripost run run.yaml --out results        # do it; stop and start again as you like
    tripost verify                            # check every event and the file
    tripost log --limit 20                    # the events
    tripost derive --policy tripost-no-balance --run latest --iteration 1
    tripost why <attempt>                     # why something is, or is not, in a dataset
    tripost trace <dataset>#0 --text          # where a training row came from, and where it went

\`ledger.db\` is an ordinary SQLite file, \`ledger.db.blobs/\` holds weights and datasets under their SHA-256.
Keep both together. \`tripost <command> --help\` has examples for every command.
`;
