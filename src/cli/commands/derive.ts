import { policyDigest } from '../../../projections/policies/policy';
import { derive as deriveDataset } from '../../run/derive';
import type { Tokenizer } from '../../train/tokenizer';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import { scopeOf } from '../derivation';
import { must, usage } from '../faults';
import { loadPolicy } from '../policyFile';
import { loadStudent } from '../student';
import { inOrder } from '../inOrder';
import { growSlowly } from '../memory';

export const derive: Command = {
  name: 'derive',
  summary: 'Derive a dataset from the ledger under a policy; no model is called',
  json: 'object',
  details: [
    'The same ledger prefix, policy, scope and seed give the same bytes. Rows, decisions and manifest go to the blobs.',
    'JSON: {dataset, rows, dropped, byReason, byBucket, candidates, decisions, manifest, policy: {name, digest}, scope, seed,',
    'ledger: {size, root}}. dropped = candidates - rows; byReason counts the dropped by the rule that decided.',
    'A dataset without rows is recorded too, and ends with the exit code of an empty dataset.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--policy <policy>', description: 'a preset, or a YAML file', fallback: 'tripost' },
    { flags: '--run <run>', description: 'only trajectories of this run: its id, a prefix, or latest' },
    { flags: '--iteration <n>', description: 'only trajectories of this iteration' },
    { flags: '--problems <set>', description: 'gold rationales of this problem set only' },
    { flags: '--seed <n>', description: 'root of the draws', fallback: '1' },
    { flags: '--tokenizer <checkpoint>', description: 'whose tokenizer counts, for a policy with admit.maxTokens' },
    atFlag,
    jsonFlag,
  ],
  examples: [
    'tripost derive --policy tripost --run latest --iteration 1',
    'tripost derive --policy ft-rationale --json',
    'tripost derive --policy mine.yaml --at 5000 --seed 7',
  ],
  run: (args, context) => {
    growSlowly();
    const policy = loadPolicy(args.need('policy'), process.cwd());
    const seed = args.whole('seed') ?? 1;
    args.whole('iteration');
    return withLedger(args, context, 'append', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const counted = args.text('tokenizer');
      if (policy.admit.maxTokens !== null && counted === undefined) {
        usage(
          `the policy ${policy.name} has admit.maxTokens: name the checkpoint whose tokenizer counts with --tokenizer`,
        );
      }
      const tokenizer: Tokenizer | undefined =
        counted === undefined ? undefined : (await loadStudent(counted, ledger)).tokenizer;
      const scope = await scopeOf(args, log);
      const request = { policy, seed, scope, ...(tokenizer === undefined ? {} : { tokenizer }) };
      const { manifest: made, event } = must(await deriveDataset(request, { log, blobs: ledger.blobs }));
      const { kept: _, ...byReason } = made.byReason;
      const { dataset, rows, candidates, byBucket, decisions, manifest } = event;
      const dropped = candidates - rows;
      if (context.json) {
        const policyRef = { name: policy.name, digest: policyDigest(policy) };
        await context.out.json({
          dataset,
          rows,
          dropped,
          byReason,
          byBucket,
          candidates,
          decisions,
          manifest,
          policy: policyRef,
          scope: made.scope,
          seed,
          ledger: event.ledger,
        });
      } else {
        await context.out.line(`dataset ${dataset}`);
        await context.out.line(`${rows} rows of ${candidates} candidates; ${dropped} left out`);
        for (const [bucket, n] of inOrder(byBucket)) await context.out.line(`  ${bucket.padEnd(26)} ${n}`);
        for (const [rule, n] of inOrder(byReason)) await context.out.line(`  ${rule.padEnd(26)} ${n} left out`);
      }
      if (rows > 0) return 'ok';
      context.note(
        `The policy ${policy.name} keeps nothing of ${candidates} candidates. The decisions are recorded: \`tripost why <attempt>\` explains each.`,
      );
      return 'empty';
    });
  },
};
