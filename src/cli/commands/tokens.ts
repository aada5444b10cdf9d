import * as E from 'fp-ts/Either';
import type { TrainingStarted } from '../../../events/trainingStarted';
import type { Step } from '../../../events/stepRecorded';
import type { Row } from '../../../projections/replayDataset';
import { stepsOfRow, tokenView, type RowStep, type TokenView } from '../../train/tokenView';
import type { Tokenizer } from '../../train/tokenizer';
import { TrainConfig } from '../../train/trainConfig';
import type { Args } from '../args';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { stop, usage } from '../faults';
import { missingLines, resolveTarget, viewOf, type View } from '../lineageView';
import { namedTokenizer } from '../namedTokenizer';

const convention =
  'a weight stands beside its target: token i is predicted from tokens 0 to i-1, and in the feeds of the graph place i-1 ' +
  'has token i-1 as input, token i as target and this weight; token 0 is never predicted';

interface Use {
  readonly trainingId: string;
  readonly normaliser: TrainConfig['normaliser'];
  readonly steps: readonly RowStep[];
}

/** A row with the dataset that it is read from: the one that was named, else one that was trained on, else any. */
const rowOf = (id: string, named: string | undefined, { rows, lineage }: View) => {
  const trained = new Set([...lineage.trainings.values()].map(({ dataset }) => dataset));
  const holding = [...rows].flatMap(([dataset, list]) => {
    const index = list.findIndex((row) => row.id === id);
    const row = list[index];
    return row === undefined ? [] : [{ dataset, list, index, row }];
  });
  const own = holding.find(({ dataset }) => dataset === named);
  return own ?? holding.find(({ dataset }) => trained.has(dataset)) ?? holding[0];
};

const trainingsOn = (dataset: string, { past: { events } }: View): readonly TrainingStarted[] =>
  events.flatMap((event) => (event.type === 'TrainingStarted' && event.data.dataset === dataset ? [event.data] : []));

const stepsOf = (trainingId: string, { past: { events } }: View): readonly Step[] =>
  events.flatMap((event) =>
    event.type === 'StepRecorded' && event.data.trainingId === trainingId ? event.data.steps : [],
  );

/** The tokenizer that was named, else that of a training on the dataset. */
const tokenizerOf = async (
  args: Args,
  trainings: readonly TrainingStarted[],
  { recall }: View,
  named: (name: string) => Promise<Tokenizer>,
): Promise<Tokenizer> => {
  const name = args.text('tokenizer');
  if (name !== undefined) return named(name);
  const wanted = new Set(trainings.map(({ tokenizer }) => tokenizer));
  const found = (await recall.tokenizers()).find(({ digest }) => wanted.has(digest));
  if (found !== undefined) return found;
  return usage(
    trainings.length === 0
      ? 'nothing was trained on a dataset with this row: name the checkpoint whose tokenizer is meant with --tokenizer'
      : 'the files of the tokenizer that its training used are missing: name another checkpoint with --tokenizer',
  );
};

/** The steps of each training on the dataset that had these very tokens. */
const usesOf = (
  index: number,
  list: readonly Row[],
  trainings: readonly TrainingStarted[],
  tokenizer: Tokenizer,
  view: View,
): readonly Use[] =>
  trainings.flatMap(({ trainingId, tokenizer: digest, config }): readonly Use[] => {
    const decoded = TrainConfig.decode(config);
    if (digest !== tokenizer.digest || E.isLeft(decoded)) return [];
    const { normaliser } = decoded.right;
    return [
      { trainingId, normaliser, steps: stepsOfRow(index, list, tokenizer, normaliser, stepsOf(trainingId, view)) },
    ];
  });

const lines = ({ sections, tokens }: TokenView, uses: readonly Use[]): readonly string[] => {
  const wide = String(tokens.length).length;
  const ids = Math.max(2, ...tokens.map(({ id }) => String(id).length));
  const told = sections.flatMap((section) => {
    const { kind, author, weight, from, to, trained, weightSum } = section;
    const by = author === null ? '' : ` by ${author}`;
    const head = `section ${section.section} ${kind}${by}, weight ${weight}: tokens ${from} to ${to - 1}, ${trained} count, sum of weights ${weightSum}`;
    const own = tokens
      .slice(from, to)
      .map(
        ({ place, id, text, weight: each }) =>
          `  ${String(place).padStart(wide)}  ${String(id).padStart(ids)}  ${(each === null ? '-' : String(each)).padStart(4)}  ${JSON.stringify(text)}`,
      );
    return [head, ...own];
  });
  const steps = uses.flatMap(({ trainingId, normaliser, steps: own }) => [
    `training ${trainingId}, normaliser ${normaliser}: ${own.length === 0 ? 'no step trained on it' : `${own.length} steps`}`,
    ...own.map(
      ({ step, scale, share, agrees }) =>
        `  step ${step}: every weight times ${scale.toPrecision(6)}, together ${share.toPrecision(6)}${agrees ? '' : '; the recorded number of tokens differs'}`,
    ),
  ]);
  return [...told, ...steps];
};

export const tokens: Command = {
  name: 'tokens',
  summary: "A row's tokens with the weights that the trainer feeds for them",
  json: 'object',
  details: [
    "The row goes through the trainer's own tokenizing and packing, and weights are read out of the graph's feeds. A weight stands",
    'beside its target: token i is predicted from tokens 0 to i-1; token 0 never is. The tokenizer is that of a training on the',
    'dataset, or --tokenizer. For each recorded step that trained on the row: what its weights are multiplied by (1 / normaliser).',
    'JSON: {row, dataset, index, bucket, tokenizer, convention, sections: [{section, kind, author, weight, from, to, trained,',
    'weightSum}], tokens: [{place, id, text, section, kind, weight}], trainings: [{trainingId, normaliser, steps: [{step, scale,',
    'share, agrees}]}], missing}; agrees: tokens that count are as many as the trainer recorded.',
  ].join('\n'),
  arguments: [{ name: '<row>', description: 'a row: its id, a prefix, or <dataset>#<n>' }],
  flags: [
    ledgerFlag,
    { flags: '--tokenizer <checkpoint>', description: 'another tokenizer: digest, prefix, latest, or a model folder' },
    atFlag,
    jsonFlag,
  ],
  examples: ['tripost tokens latest#0', 'tripost tokens 5b1f0a3c --tokenizer latest --json'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const view = await viewOf(log, ledger.blobs, context.signal);
      const target = resolveTarget(args.at(0), view);
      if (target.kind !== 'row') usage(`${target.id} is a ${target.kind}, not a row`);
      const found = rowOf(target.id, target.dataset, view);
      if (found === undefined) return stop({ tag: 'IdNotFound', what: 'row', id: target.id, known: [] });
      const { dataset, list, index, row } = found;
      const trainings = trainingsOn(dataset, view);
      const tokenizer = await tokenizerOf(args, trainings, view, (name) => namedTokenizer(name, log, ledger.blobs));
      const made = tokenView(row, tokenizer);
      const uses = usesOf(index, list, trainings, tokenizer, view);
      const { missing } = view.recall;
      if (context.json) {
        const { id, bucket } = row;
        const about = { row: id, dataset, index, bucket, tokenizer: tokenizer.digest, convention };
        await context.out.json({ ...about, ...made, trainings: uses, missing });
        return 'ok';
      }
      await context.out.line(`row ${row.id}, ${row.bucket}, number ${index} of dataset ${dataset}`);
      await context.out.line(`tokenizer ${tokenizer.digest}`);
      await context.out.line(convention);
      for (const each of lines(made, uses)) await context.out.line(each);
      for (const each of missingLines(missing)) await context.out.line(each);
      return 'ok';
    }),
};
