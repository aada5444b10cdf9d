import { stringify } from 'yaml';
import { byText } from '../../projections/projection';
import type { Row } from '../../projections/replayDataset';
import type { ExportFormat, ExportInput, Loss } from './exportFormat';

const sizes: readonly (readonly [below: number, name: string])[] = [
  [1_000, 'n<1K'],
  [10_000, '1K<n<10K'],
  [100_000, '10K<n<100K'],
  [1_000_000, '100K<n<1M'],
  [10_000_000, '1M<n<10M'],
];

/** The header that the Hugging Face Hub reads (https://huggingface.co/docs/hub/datasets-cards). */
const header = ({ data }: ExportFormat, { dataset, rows, about }: ExportInput): string =>
  stringify({
    pretty_name: `TriPosT dataset ${dataset.slice(0, 12)}`,
    ...(about.license === undefined ? {} : { license: about.license }),
    task_categories: ['text-generation'],
    size_categories: [sizes.find(([below]) => rows.length < below)?.[1] ?? 'n>10M'],
    tags: ['tripost', 'self-improvement', 'synthetic'],
    ...(data === null ? {} : { configs: [{ config_name: 'default', data_files: [{ split: 'train', path: data }] }] }),
  });

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): readonly string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((cells) => `| ${cells.join(' | ')} |`),
];

const counted = (keys: readonly string[]): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => byText(a, b));
};

const provenance = ({ dataset, rows, origin }: ExportInput): readonly string[] => {
  if (origin === null) return [`Dataset \`${dataset}\`, ${rows.length} rows. Nothing is known of how it was derived.`];
  const { policy, ledger, scope, projection, seed, candidates, decisions, manifest, eventId } = origin;
  return table(
    ['', ''],
    [
      ['dataset (SHA-256 of its canonical rows)', `\`${dataset}\``],
      ['rows', rows.length],
      ['candidates judged', candidates],
      ['policy', `${policy.name} \`${policy.digest}\``],
      ['ledger', `${ledger.size} events, Merkle root (RFC 6962) \`${ledger.root}\``],
      [
        'scope',
        `run ${scope.runId ?? 'all'}, iteration ${scope.iteration ?? 'all'}, problems ${scope.problemSet ?? 'all'}`,
      ],
      ['seed of the draws', seed],
      ['projection', `${projection.name} ${projection.version}`],
      ['event', `\`${eventId}\``],
      ['decisions (one for every candidate, kept or not)', `\`${decisions}\``],
      ['manifest', `\`${manifest}\``],
    ],
  );
};

const weightsOf = (rows: readonly Row[]): readonly (readonly [string, string, number])[] =>
  counted(rows.flatMap(({ sections }) => sections.map(({ kind, weight }) => `${kind} ${weight}`))).map(
    ([key, count]) => {
      const [kind = '', weight = ''] = key.split(' ');
      return [kind, weight, count];
    },
  );

/** The dataset card, README.md: what this is, how a row became a line, what a reader of this format does not get. */
export const card = (format: ExportFormat, input: ExportInput, losses: readonly Loss[]): string => {
  const { rows, origin } = input;
  const lost =
    losses.length === 0
      ? ['Nothing: weights, ends and provenance are all in the file.']
      : losses.map(({ text }) => `- ${text}`);
  const dropped = Object.entries(origin?.byReason ?? {})
    .filter(([reason]) => reason !== 'kept')
    .sort(([a], [b]) => byText(a, b));
  return [
    '---',
    `${header(format, input)}---`,
    '',
    `# TriPosT dataset ${input.dataset.slice(0, 12)} as ${format.name}`,
    '',
    `Training rows of a TriPosT experiment (arXiv 2310.13522), written by \`tripost export --format ${format.name}\`.`,
    `Read by ${format.reader}.`,
    '',
    '## Where it came from',
    '',
    ...provenance(input),
    '',
    '## How a row is written',
    '',
    ...format.mapping,
    '',
    '## What this format does not hold',
    '',
    ...lost,
    '',
    '## Rows',
    '',
    ...table(['bucket', 'rows'], counted(rows.map(({ bucket }) => bucket))),
    '',
    ...table(['section', 'weight', 'sections'], weightsOf(rows)),
    ...(dropped.length === 0 ? [] : ['', ...table(['left out by rule', 'candidates'], dropped)]),
    '',
    'Weights are those of the loss: every token of a section counts as much. SI: the student improves itself; T: a turn without',
    'an update of its own; GT: gold rationale; answer: an answer without a rationale.',
    ...(input.about.license === undefined ? ['', 'No licence is stated.'] : []),
    '',
  ].join('\n');
};
