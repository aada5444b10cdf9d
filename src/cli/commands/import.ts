import type { Args } from '../args';
import { jsonFlag, ledgerFlag, type Command, type Context } from '../command';
import { usage } from '../faults';
import { importDatasetFile } from '../importing/dataset';
import { importModel } from '../importing/model';
import { importProblems } from '../importing/problems';

interface Importer {
  /** What its file is, for --help. */
  readonly file: string;
  /** Flags that mean something to it, beside those of every format. */
  readonly flags: readonly string[];
  readonly run: (path: string, args: Args, context: Context) => Promise<void>;
}

const importers: ReadonlyMap<string, Importer> = new Map([
  [
    'tripost',
    {
      file: 'lines {text, meta_data: {question, rationale, answer}}',
      flags: ['task', 'split'],
      run: (path, args, context) => importProblems(path, args, context, 'tripost'),
    },
  ],
  [
    'big-bench',
    {
      file: 'a task.json of BIG-bench, or a file of BIG-Bench Hard',
      flags: ['task', 'split'],
      run: (path, args, context) => importProblems(path, args, context, 'big-bench'),
    },
  ],
  [
    'dataset',
    { file: 'what `tripost export` wrote as jsonl, parquet or croissant', flags: [], run: importDatasetFile },
  ],
  ['checkpoint', { file: 'a Hugging Face model folder', flags: [], run: importModel }],
] satisfies [string, Importer][]);

export const importCommand: Command = {
  name: 'import',
  summary: 'Put problems, a dataset that was exported, or a model folder on the ledger',
  json: 'object',
  details: [
    'The set of imported problems is named after the task and the digest of the file, so importing a file again adds nothing.',
    'A dataset keeps its digest, and can be trained on; how it was derived is what its file says. A file with one bad line is',
    'refused whole.',
    'JSON: {format: "tripost" or "big-bench", task, set, split, lines, problems, added, known, duplicates},',
    '{format: "dataset", dataset, rows, file: {format, digest}, known, policy, ledger},',
    'or {format: "checkpoint", checkpoint, files, shape}.',
  ].join('\n'),
  arguments: [{ name: '<path>', description: 'the file or folder' }],
  flags: [
    {
      flags: '--format <format>',
      description: [...importers].map(([name, { file }]) => `${name}: ${file}`).join('; '),
      choices: [...importers.keys()],
      fallback: 'tripost',
    },
    { flags: '--task <name>', description: 'the task of the problems' },
    { flags: '--split <split>', description: 'what the problems are for (train)', choices: ['train', 'dev', 'test'] },
    ledgerFlag,
    jsonFlag,
  ],
  examples: [
    'tripost import --format tripost --task word-sorting word_sorting.jsonl',
    'tripost import --format big-bench --task date-understanding task.json --split test',
    'tripost import --format dataset ./rows --ledger other.db',
    'tripost import --format checkpoint ./student --ledger ledger.db',
  ],
  run: async (args, context) => {
    const format = args.text('format') ?? 'tripost';
    const importer = importers.get(format) ?? usage(`--format: there is no ${format}`);
    for (const flag of ['task', 'split'])
      if (args.text(flag) !== undefined && !importer.flags.includes(flag))
        usage(`--${flag} is not for --format ${format}`);
    await importer.run(args.at(0), args, context);
    return 'ok';
  },
};
