import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/Either';
import { deriveDataset } from '../../projections/deriveDataset';
import { parsePolicy } from '../../projections/policies/parsePolicy';
import { presetFile, presetNames } from '../../projections/policies/presets';
import { smallLedger } from '../support/builders';

const folder = join(__dirname, '../../projections/policies');
const ledger = smallLedger();
for (const name of presetNames) {
  it(name, () => {
    const p = parsePolicy(readFileSync(join(folder, presetFile(name)), 'utf8'));
    if (E.isLeft(p)) throw new Error(JSON.stringify(p.left));
    const d = deriveDataset(ledger.events, p.right, { seed: 42, scope: { runId: 'run-a', iteration: 1 } });
    console.log(
      name,
      JSON.stringify(d.manifest.byBucket),
      JSON.stringify(d.manifest.byKind),
      JSON.stringify(d.manifest.byReason),
    );
  });
}
it('lists', () =>
  expect(readdirSync(join(folder, 'presets')).sort()).toEqual(presetNames.map((n) => `${n}.yaml`).sort()));
