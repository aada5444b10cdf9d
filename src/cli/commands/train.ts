import { closest } from '../../../projections/policies/closest';
import { loadRows } from '../../run/derive';
import { train as trainStudent } from '../../train/trainer';
import { paperTrainConfig, TrainConfig } from '../../train/trainConfig';
import * as E from 'fp-ts/Either';
import { PathReporter } from 'io-ts/PathReporter';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, seedFlag, setFlag, type Command } from '../command';
import { environmentOf, openEngine, openRuntime, withLedger } from '../compose';
import { onDevice } from '../cuda/device';
import { must, usage } from '../faults';
import { findDataset } from '../find';
import { overridesOf, readRunConfig, type Override } from '../runConfig';
import { progressStep } from '../runProgress';
import { loadStudent } from '../student';

/** The train section with overrides over it. `steps` and `epochs` exclude each other: the one that is given counts. */
const configOf = (start: TrainConfig, overrides: readonly Override[]): TrainConfig => {
  const values: Record<string, unknown> = { ...start };
  for (const { key, value, from } of overrides) {
    const name = key.replace(/^train\./, '');
    if (!Object.hasOwn(paperTrainConfig, name)) {
      const near = closest(name, Object.keys(paperTrainConfig));
      const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
      usage(`${from}: unknown key "${name}".${hint} Known keys: ${Object.keys(paperTrainConfig).join(', ')}.`);
    }
    values[name] = value;
    if (name === 'steps' && values['steps'] !== null) values['epochs'] = null;
    if (name === 'epochs' && values['epochs'] !== null) values['steps'] = null;
  }
  const decoded = TrainConfig.decode(values);
  return E.isRight(decoded) ? decoded.right : usage(PathReporter.report(decoded).join('\n'));
};

export const train: Command = {
  name: 'train',
  summary: 'Train a checkpoint on a derived dataset; leaves a receipt',
  json: 'object',
  details: [
    'The same dataset, base, config and seed on the same machine class give the same weight bytes, stopped and resumed or not.',
    "Defaults are the paper's; --config takes the train section of a run's config instead.",
    'JSON: {trainingId, dataset, base, steps, reusedSteps, firstLoss, lastLoss, fingerprints, weights, checkpoint}.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    {
      flags: '--dataset <digest>',
      description: 'what to train on: a dataset that was derived (digest, prefix, latest)',
    },
    {
      flags: '--base <checkpoint>',
      description: 'where to start: a checkpoint (digest, prefix, latest), or a model folder',
    },
    { flags: '-c, --config <file>', description: "take the train section of this run's config" },
    { ...setFlag, description: 'override a value of the train section, such as steps=40; may be repeated' },
    { ...seedFlag, fallback: '1' },
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost train --dataset latest --base latest',
    'tripost train --dataset 9d2e41 --base ./student -S steps=200 -S learningRate=1e-4 --seed 2 --json',
  ],
  run: onDevice(async (args, context) => {
    const file = args.text('config');
    const start = file === undefined ? paperTrainConfig : readRunConfig(file, []).train;
    const config = configOf(start, overridesOf(args));
    const seed = args.whole('seed') ?? 1;
    const wanted = args.need('dataset');
    const from = args.need('base');
    const runtime = openRuntime(args);
    await withLedger(args, context, 'append', async (ledger) => {
      const { log, blobs } = ledger;
      const dataset = await findDataset(log, wanted);
      const { digest, shape, weights, tokenizer, kept } = await loadStudent(from, ledger);
      const { receipt, reusedSteps } = must(
        await trainStudent(
          {
            dataset,
            rows: must(await loadRows(blobs, dataset)),
            base: { ref: { kind: 'checkpoint', digest }, shape, weights, tokenizer, kept },
            config,
            seed,
            environment: environmentOf(runtime.provider),
          },
          {
            log,
            blobs,
            startEngine: openEngine(args),
            signal: context.signal,
            onStep: (step, steps) =>
              context.progress.report({
                ...progressStep({ phase: 'train', iteration: 0, step, steps }),
                phase: 'train',
              }),
          },
        ),
      );
      context.progress.end();
      const { environment: _, configDigest: __, ...result } = receipt;
      if (context.json) return context.out.json({ ...result, base: digest, reusedSteps });
      await context.out.line(
        `trained ${receipt.steps} steps on dataset ${dataset.slice(0, 12)}: loss ${receipt.firstLoss.toFixed(4)} to ${receipt.lastLoss.toFixed(4)}`,
      );
      if (reusedSteps > 0) await context.out.line(`${reusedSteps} steps were on the ledger already`);
      await context.out.line(`weights      ${receipt.weights}`);
      await context.out.line(`checkpoint   ${receipt.checkpoint}`);
      await context.out.line(`fingerprints ${receipt.fingerprints}`);
    });
    return 'ok';
  }),
};
