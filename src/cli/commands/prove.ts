import { proveConsistency, proveInclusion } from '../../ledger/prove';
import { readingLog } from '../at';
import { atFlag, jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, usage } from '../faults';
import { findEvent } from '../findEvent';
import { deliver, findSeal, parseRoot } from '../proofFiles';

export const prove: Command = {
  name: 'prove',
  summary: 'Prove offline that an event is under a seal, or that nothing under an older root was changed',
  json: 'object',
  details: [
    'An inclusion proof (RFC 6962) holds the event and about as many hashes as the ledger has binary digits. `tripost check-proof`',
    'checks it without the ledger, and so does anybody with SHA-256: docs/proofs.md. With --since instead of an event, a',
    'consistency proof: the first events are still those that the older root was over.',
    'JSON: {format: "tripost-inclusion-1", eventId, event, leaf, index, size, path: [{side, hash}], root, signature}, or',
    '{format: "tripost-consistency-1", from: {size, root}, to: {size, root}, path: [hash], signature}. index counts from 0.',
  ].join('\n'),
  arguments: [{ name: '[event]', description: 'its id, or the first 6 or more characters' }],
  flags: [
    ledgerFlag,
    {
      flags: '--seal <seal>',
      description: 'against this seal: latest, its size, or the beginning of its root or id',
      fallback: 'latest',
    },
    { flags: '--since <root>', description: 'consistency with this older root: <size>:<root>, or the root of a seal' },
    { flags: '--out <file>', description: 'write the proof to a file; without it, to stdout' },
    atFlag,
    { ...jsonFlag, description: 'a proof is JSON in any case; taken for uniformity' },
  ],
  examples: [
    'tripost prove 5b1f0a3c --out proof.json',
    'tripost prove 5b1f0a3c --seal 28941',
    'tripost prove --since 8:971e694d59cd1019ef4fcfe49d36a856bbda5d959e96fb273823be043216d40c',
  ],
  run: (args, context) =>
    withLedger<ExitName>(args, context, 'read', async (ledger) => {
      const log = await readingLog(ledger.log, args, context);
      const [id, since] = [args.maybeAt(0), args.text('since')];
      if ((id === undefined) === (since === undefined)) usage('name an event, or an older root with --since');
      const seal = await findSeal(log, args.need('seal'));
      if (since !== undefined) {
        const from = await parseRoot(log, '--since', since);
        if (from.size > seal.size) usage(`--since: the seal is over ${seal.size} events, fewer than ${from.size}`);
        await deliver(must(await proveConsistency(log, from, seal)), args.text('out'), context);
        return 'ok';
      }
      const event = await findEvent(log, id ?? '', context.signal);
      await deliver(must(await proveInclusion(log, event, seal)), args.text('out'), context);
      return 'ok';
    }),
};
