import type { Args } from '../args';
import { jsonFlag, ledgerFlag, type Command, type Context } from '../command';
import { usage } from '../faults';
import { importChatLog } from '../importing/chats';
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
  [
    'messages',
    {
      file: 'a chat log, lines {messages, model}, answers to problems on the ledger',
      flags: ['task', 'problems', 'model', 'temperature'],
      run: importChatLog,
    },
  ],
  ['checkpoint', { file: 'a Hugging Face model folder', flags: [], run: importModel }],
] satisfies [string, Importer][]);

export const importCommand: Command = {
  name: 'import',
  summary: 'Put problems, a dataset, answers from a chat log, or a model folder on the ledger',
  json: 'object',
  details: [
    'The set of imported problems is named after the task and the digest of the file, so importing a file again adds nothing.',
    'A dataset keeps its digest, and can be trained on; how it was derived is what its file says. The answers of a chat log',
    'become trajectories, judged and mended by the script of the task; one without a script keeps right answers only. An answer',
    'stands on a new line behind its prompt. A file with one bad line is refused whole.',
    'JSON: {format: "tripost" or "big-bench", task, set, split, lines, problems, added, known, duplicates},',
    '{format: "dataset", dataset, rows, file: {format, digest}, known, policy, ledger},',
    '{format: "messages", task, set, answers, added, known, collections, outcomes},',
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
    { flags: '--task <name>', description: 'the task of the problems, or of the answers' },
    { flags: '--split <split>', description: 'what the problems are for (train)', choices: ['train', 'dev', 'test'] },
    { flags: '--problems <set>', description: 'messages: which set they answer, where the task has several' },
    { flags: '--model <name>', description: 'messages: who answered, where a line does not say' },
    { flags: '--temperature <n>', description: "messages: where a line does not say (1, the API's default)" },
    ledgerFlag,
    jsonFlag,
  ],
  examples: [
    'tripost import --format tripost --task word-sorting word_sorting.jsonl',
    'tripost import --format big-bench --task date-understanding task.json --split test',
    'tripost import --format dataset ./rows --ledger other.db',
    'tripost import --format messages --task word-sorting chats.jsonl',
    'tripost import --format checkpoint ./student --ledger ledger.db',
  ],
  run: async (args, context) => {
    const format = args.text('format') ?? 'tripost';
    const importer = importers.get(format) ?? usage(`--format: there is no ${format}`);
    for (const flag of ['task', 'split', 'problems', 'model', 'temperature'])
      if (args.text(flag) !== undefined && !importer.flags.includes(flag))
        usage(`--${flag} is not for --format ${format}`);
    await importer.run(args.at(0), args, context);
    return 'ok';
  },
};
