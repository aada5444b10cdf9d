import { factsOf, targetsOf, type Part } from '../../reproduce/facts';
import type { Reproduction } from '../../reproduce/finding';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, progressFlags, rulesFlag, runtimeFlags, type Command } from '../command';
import { useRules } from '../ruleModules';
import { withLedger } from '../compose';
import { onDevice } from '../cuda/device';
import { usage } from '../faults';
import { allEvents, byPrefix } from '../find';
import { Reproducer } from '../reproducer';

const kinds = ['dataset', 'training', 'collection', 'evaluation'] as const;

export const reproduce: Command = {
  name: 'reproduce',
  summary:
    'Make a training, dataset, evaluation, collection, run or ablation again from the ledger and compare every digest',
  json: 'object',
  details: [
    'From ledger, blobs and base alone, on a scratch ledger: datasets are derived again from their recorded prefix, trainings',
    'trained again step by step, answers sampled again under their keys. Ends with code 6 at a difference, and names the first:',
    'input, then row, step, tensor or text, with its likely cause.',
    'JSON: {target, parts: [{kind, id, checks: [{what, of, equal, count}], findings: [{kind, of, where, expected, got,',
    'cause}]}], equal}.',
  ].join('\n'),
  arguments: [
    {
      name: '<id>',
      description: 'training, checkpoint, dataset, evaluation, collection, run or ablation; latest: the last run',
    },
  ],
  flags: [
    ledgerFlag,
    { flags: '--only <kind>', description: 'only parts of this kind; may be repeated', repeat: true },
    { flags: '--sample <n>', description: "of a collection's calls only so many, spread evenly" },
    { flags: '--batch <n>', description: 'problems decoded at once', fallback: '64' },
    {
      flags: '-S, --set <key=value>',
      description: 'change a setting of the training on purpose, to see where it shows; may be repeated',
      repeat: true,
    },
    ...runtimeFlags,
    rulesFlag,
    atFlag,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost reproduce latest',
    'tripost reproduce 3fa9c1 --threads 1',
    'tripost reproduce latest --only dataset --only evaluation --json',
  ],
  run: onDevice(async (args, context) =>
    withLedger(args, context, 'read', async (ledger) => {
      useRules(args);
      const only = args.list('only');
      const unknown = only.find((kind) => !kinds.some((each) => each === kind));
      if (unknown !== undefined) usage(`--only: expected ${kinds.join(', ')}, got ${unknown}`);
      const log = await readingLog(ledger.log, args, context);
      const events = await allEvents(log, context.signal);
      const facts = factsOf(events);
      const targets = targetsOf(facts);
      const latest = [...facts.runs.keys()].at(-1);
      const name = args.at(0);
      const target =
        name === 'latest' && latest !== undefined
          ? latest
          : byPrefix('thing that can be made again', name, [...targets.keys()]);
      const parts = (targets.get(target) ?? []).filter(({ kind }) => only.length === 0 || only.includes(kind));
      if (parts.length === 0) usage(`${target} has nothing of the kind ${only.join(', ')} to make again`);
      const reproducer = new Reproducer(args, context, ledger, events, facts);
      const made: (Part & Reproduction)[] = [];
      try {
        for (const part of parts) {
          const { checks, findings } = await reproducer.part(part);
          made.push({ ...part, checks, findings });
        }
      } finally {
        await reproducer.release();
      }
      context.progress.end();
      const findings = made.flatMap((part) => part.findings);
      const equal = findings.length === 0;
      if (context.json) await context.out.json({ target, parts: made, equal });
      else {
        for (const { kind, id, checks, findings: own } of made) {
          await context.out.line(`${kind} ${id}`);
          for (const { what, equal: same, count } of checks)
            await context.out.line(`  ${same ? 'equal' : 'DIFFERS'}  ${what}${count > 1 ? ` (${count})` : ''}`);
          for (const { where, expected, got } of own)
            await context.out.line(`  finding  ${where}: expected ${expected}, got ${got}`);
        }
        const [first] = findings;
        if (first === undefined)
          await context.out.line(`Everything that was made again is equal, ${made.length} parts.`);
        else {
          await context.out.line(`First difference: ${first.where} of ${first.of}`);
          await context.out.line(`  expected ${first.expected}\n  got      ${first.got}\n  likely   ${first.cause}`);
        }
      }
      return equal ? 'ok' : 'mismatch';
    }),
  ),
};
