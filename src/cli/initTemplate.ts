/** What a config says of one task. Token counts leave room for its longest rows. */
interface TaskPart {
  /** The comment on `task.config`, a line each, and the config itself. */
  readonly about: readonly string[];
  readonly config: string;
  readonly tokenizer: string;
  readonly maxPositions: number;
  readonly maxTokens: number;
}

const taskParts: Readonly<Record<string, TaskPart>> = {
  'word-sorting': {
    about: [
      'Difficulty. seen: trained on; unseen: only tested. A student this small learns short lists of short words.',
    ],
    config: '{ alphabet: abcdefghij, wordLength: { from: 1, to: 2 }, seen: [2, 3, 4], unseen: [5] }',
    tokenizer: '{ vocabSize: 640, minFrequency: 50, pattern: words, merges: false }',
    maxPositions: 256,
    maxTokens: 150,
  },
  'multistep-arithmetic': {
    about: [
      'Difficulty. depth: operands at each level of brackets, from outside in; length: numbers in the innermost ones.',
    ],
    config: '{ operands: { from: 0, to: 9 }, seen: [{ depth: [2], length: 2 }], unseen: [{ depth: [2], length: 3 }] }',
    tokenizer: '{ vocabSize: 512, minFrequency: 50, pattern: arithmetic }',
    maxPositions: 384,
    maxTokens: 250,
  },
  'date-understanding': {
    about: [
      'Difficulty: steps of the gold rationale. seen: trained on; unseen: only tested. years: of the first date.',
    ],
    config: '{ years: { from: 1990, to: 2029 }, seen: [1, 2], unseen: [3] }',
    tokenizer: '{ vocabSize: 768, minFrequency: 50, pattern: prose }',
    maxPositions: 640,
    maxTokens: 250,
  },
  'logical-deduction': {
    about: [
      'Difficulty: objects per paragraph, 3 to 8. seen: trained on; unseen: only tested. The paper: [3, 5] and [7].',
    ],
    config: '{ seen: [3], unseen: [4] }',
    tokenizer: '{ vocabSize: 768, minFrequency: 50, pattern: prose }',
    maxPositions: 768,
    maxTokens: 300,
  },
  'list-functions': {
    about: [
      'Difficulty: functions one after another. seen: trained on; unseen: only tested. length: of the first list.',
    ],
    config: '{ length: { from: 2, to: 4 }, seen: [1, 2], unseen: [3] }',
    tokenizer: '{ vocabSize: 512, minFrequency: 50, pattern: prose }',
    maxPositions: 256,
    maxTokens: 150,
  },
};

const otherTask: TaskPart = {
  about: [
    'Your task: a folder with task.yaml and problems.jsonl (docs/your-task.md); its problems are drawn from that file.',
  ],
  config: '{}',
  tokenizer: '{ vocabSize: 768, minFrequency: 20, pattern: prose }',
  maxPositions: 512,
  maxTokens: 250,
};

/** A task of one's own is named by its folder. */
const partOf = (task: string): TaskPart => taskParts[task] ?? otherTask;

/** The config that `tripost init` writes: small enough for a few minutes on two cores, with every knob that matters. */
export const configTemplate = (task: string): string => {
  const { about, config, tokenizer, maxPositions, maxTokens } = partOf(task);
  return template(task, about.map((line) => `  # ${line}`).join('\n'), config, tokenizer, maxPositions, maxTokens);
};

const template = (
  task: string,
  about: string,
  taskConfig: string,
  tokenizer: string,
  maxPositions: number,
  maxTokens: number,
): string => `# yaml-language-server: $schema=schemas/run.schema.json
# The config of one run: tripost run run.yaml
# Every key that is left out has a default; an unknown key is refused with the key that was probably meant.
# Any value can be overridden on the command line: -S train.steps=40

# Root of every draw of collection, training and evaluation. The same config and seed give the same digests.
seed: 1

# Problems are drawn by the task's own generator: ${Object.keys(taskParts).join(', ')};
# or a folder with a task of your own, as ./my-task.
task:
  name: ${task}
${about}
  config: ${taskConfig}
  seed: 7
  train: 1500
  testSeen: 150
  testUnseen: 50

# The base: a student trained from nothing on gold rationales (the paper's stage 0). A Hugging Face model in its place:
# from: ./SmolLM2-135M, which brings its own tokenizer and shape.
base:
  seed: 1
  policy: ft-rationale
  # One token per letter, number and frequent piece keeps rows short, which is what makes a small student learn.
  tokenizer: ${tokenizer}
  shape: { hiddenSize: 128, intermediateSize: 384, layers: 4, heads: 4, kvHeads: 2, headDim: 32, maxPositions: ${maxPositions} }
  train: { steps: 500, batchSize: 32, learningRate: 2.0e-3, warmup: 0.05, schedule: cosine, checkpointEvery: 100, lengthMultiple: 16 }
  # A folder made by \`tripost export-student\`: imported with its receipt instead of trained again.
  trained: null

# How often to collect, derive, train and evaluate.
iterations: 2

# What a dataset is made of: a preset (\`tripost policy list\`), a YAML file such as policy.yaml beside this one, or a
# policy right here: policy: { extends: tripost, balance: { ratio: 0.5 } }
policy: tripost

# Interactive trajectory editing: the student answers, judges itself and updates; the script edits where it errs.
collect:
  passes: 1
  maxUpdates: 5
  sampling: { temperature: 1, maxTokens: ${maxTokens} }

# Training of one iteration, from the student before it.
train: { steps: 150, epochs: null, batchSize: 32, learningRate: 5.0e-4, warmup: 0.1, checkpointEvery: 50, lengthMultiple: 16 }

evaluate: { temperature: 0, maxTokens: ${maxTokens} }

# Problems answered at once.
generate: { batch: 64 }
`;

/** The policy that `tripost init` writes: a start for one's own. */
export const policyTemplate = `# yaml-language-server: $schema=schemas/policy.schema.json
# A policy of one's own: \`policy: policy.yaml\` in run.yaml, or \`tripost derive --policy policy.yaml\`.
# \`tripost policy explain policy.yaml\` says what every stage does, and where each value is from.
extends: tripost
name: mine
description: TriPosT with fewer right first attempts, of trajectories that were solved

# Mappings are merged with what is extended, lists are replaced.
admit: { outcomes: [solved] }
balance: { ratio: 3 }
`;

export const hintTemplate = `# A tripost experiment

\`run.yaml\` says everything about the run. Nothing else decides its results. \`policy.yaml\` is a policy to change; editors
that know YAML complete and check both by the schemas beside them.

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
