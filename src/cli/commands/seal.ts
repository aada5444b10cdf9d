import { seal as sealLedger } from '../../ledger/seal';
import { jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must } from '../faults';
import { signerOf } from '../keys';
import { deliver } from '../proofFiles';

export const seal: Command = {
  name: 'seal',
  summary: 'Seal the ledger as it is now with its Merkle root; --key signs it',
  json: 'object',
  details: [
    'The root is over all events so far and is appended as LedgerSealed. Keep it, or the file of --out, somewhere else: whoever owns',
    'the ledger can rewrite what no seal has left the machine with. Nothing new since the last seal: nothing is written.',
    '--key takes an Ed25519 private key in PEM (`openssl genpkey -algorithm ed25519`). It is read, used and forgotten; what is signed',
    'is "tripost-seal-v1", the number of events and the root, a line each (docs/proofs.md).',
    'JSON: {size, root, id, position, written, signature}; signature is null without --key.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--key <file>', description: 'sign the root with this Ed25519 private key (PEM)' },
    { flags: '--out <file>', description: 'also write the seal to a file, to be published' },
    jsonFlag,
  ],
  examples: ['tripost seal', 'tripost seal --key key.pem --out seal.json --json'],
  run: (args, context) => {
    const keyFile = args.text('key');
    const options = keyFile === undefined ? {} : { sign: signerOf(keyFile) };
    return withLedger<ExitName>(args, context, 'append', async ({ log }) => {
      const sealed = must(await sealLedger(log, options));
      const { size, root, id, written, signature } = sealed;
      const file = args.text('out');
      if (file !== undefined) await deliver({ format: 'tripost-seal-1', size, root, signature }, file, context);
      if (context.json) await context.out.json(sealed);
      else {
        await context.out.line(`root   ${root} over ${size} events`);
        await context.out.line(`seal   ${id}${written ? '' : ' (nothing was new: it was there already)'}`);
        if (signature !== null) await context.out.line(`signed ${signature}`);
      }
      return 'ok';
    });
  },
};
