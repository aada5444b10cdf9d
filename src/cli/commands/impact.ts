import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { impactLines, reachedBy } from '../impactView';
import { resolveTarget, wholeViewOf } from '../lineageView';

export const impact: Command = {
  name: 'impact',
  summary: 'Everything an event reached: datasets, trainings, checkpoints, evaluations, and on from there',
  json: 'object',
  details: [
    'A text reaches the rows that hold it, or a text made from it; these the steps that trained on them; these the checkpoints saved',
    'later; these their evaluations, the texts they wrote and the trainings that began from them; and so on. depth counts the',
    'trainings in between. A verdict, a refusal and a closing reach every row of their trajectory. A dataset in which a candidate only',
    'lost its place to it (a draw, a vote, a duplicate) is not reached.',
    'JSON: {target, kind, events, generations, datasets: [{dataset, depth, rows, of, direct, policies}],',
    'trainings: [{trainingId, depth, dataset, steps, firstStep, base}], checkpoints: [{checkpoint, depth, trainingId, step, kind}],',
    'evaluations: [{eventId, depth, checkpoint, problemSet, by: "checkpoint" | "problem"}]}.',
  ].join('\n'),
  arguments: [{ name: '<id>', description: 'event, row, trajectory, problem, dataset, training or checkpoint' }],
  flags: [ledgerFlag, atFlag, jsonFlag],
  examples: ['tripost impact 5b1f0a3c', 'tripost impact latest#0 --json'],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const view = await wholeViewOf(log, ledger.blobs, context.signal);
      const target = resolveTarget(args.at(0), view);
      const found = await reachedBy(target, view, log);
      if (context.json) await context.out.json({ target: target.id, kind: target.kind, ...found });
      else {
        await context.out.line(`impact of ${target.kind} ${target.id}`);
        for (const line of impactLines(found)) await context.out.line(line);
      }
      return 'ok';
    }),
};
