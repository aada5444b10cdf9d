import { flawsOf, headOf, type Flaw, type Proof } from '../../ledger/proofFile';
import type { LedgerRoot } from '../../ledger/seal';
import { checkSignature } from '../../ledger/signatures';
import { jsonFlag, type Command } from '../command';
import { usage } from '../faults';
import { publicKeyOf } from '../keys';
import { readProof, readSealFile } from '../proofFiles';

const parseHead = (text: string): LedgerRoot => {
  const [, size, root] = /^(0|[1-9][0-9]{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (size === undefined || root === undefined) return usage(`--root: expected <size>:<root>, got ${text}`);
  return { size: Number(size), root };
};

const flawAgainst = (wanted: LedgerRoot, got: LedgerRoot): readonly Flaw[] =>
  wanted.root === got.root && wanted.size === got.size
    ? []
    : [{ check: 'root', expected: `${wanted.size}:${wanted.root}`, got: `${got.size}:${got.root}` }];

const signatureFlaws = (proof: Proof, keyFile: string): readonly Flaw[] => {
  const key = publicKeyOf(keyFile);
  const head = headOf(proof);
  const found = checkSignature(head, head.signature, key);
  return found === 'good' ? [] : [{ check: 'signature', expected: `a good one by key ${key.id}`, got: found }];
};

const meaning = (proof: Proof): string =>
  'event' in proof
    ? `event ${proof.eventId} is number ${proof.index + 1} of the ${proof.size} events under root ${proof.root}`
    : `the first ${proof.from.size} of the ${proof.to.size} events under root ${proof.to.root} are those under ${proof.from.root}`;

export const checkProof: Command = {
  name: 'check-proof',
  summary: 'Check a proof file offline: no ledger is needed',
  json: 'object',
  details: [
    'A proof only says something about its root: hold that against one that was published (--root, --seal-file), or have its',
    'signature checked (--public-key). Without any of these the root is printed for you to compare.',
    'JSON: {ok, format, size, root, compared, flaws: [{check, expected, got}]}; compared names what the root was held against.',
    'Ends with the exit code of a mismatch when something does not hold.',
  ].join('\n'),
  arguments: [{ name: '<file>', description: 'what `tripost prove` wrote' }],
  flags: [
    { flags: '--root <size:root>', description: 'the root that was published, with its number of events' },
    { flags: '--seal-file <file>', description: 'the published seal: what `tripost seal --out` wrote' },
    { flags: '--public-key <file>', description: "the seal's signature must be by this Ed25519 key (PEM)" },
    jsonFlag,
  ],
  examples: [
    'tripost check-proof proof.json --seal-file seal.json',
    'tripost check-proof proof.json --public-key key.pub --json',
  ],
  run: async (args, context) => {
    const proof = readProof(args.at(0));
    const { size, root } = headOf(proof);
    const [given, sealFile, keyFile] = [args.text('root'), args.text('sealFile'), args.text('publicKey')];
    const flaws = [
      ...flawsOf(proof),
      ...(given === undefined ? [] : flawAgainst(parseHead(given), { size, root })),
      ...(sealFile === undefined ? [] : flawAgainst(readSealFile(sealFile), { size, root })),
      ...(keyFile === undefined ? [] : signatureFlaws(proof, keyFile)),
    ];
    const named = { root: given, 'seal-file': sealFile, 'public-key': keyFile };
    const compared = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    const ok = flaws.length === 0;
    if (context.json) await context.out.json({ ok, format: proof.format, size, root, compared, flaws });
    else {
      const { green, red } = context.out.colors;
      await context.out.line(ok ? `${green('holds')}: ${meaning(proof)}` : red('does NOT hold'));
      for (const { check, expected, got } of flaws) {
        await context.out.line(`  check:    ${check}\n  expected: ${expected}\n  got:      ${got}`);
      }
    }
    if (ok && compared.length === 0)
      context.note(
        `Compare with what was published: ${size} events, root ${root}. A proof cannot vouch for its own root.`,
      );
    return ok ? 'ok' : 'mismatch';
  },
};
