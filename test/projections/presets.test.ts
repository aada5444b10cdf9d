import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../events/digest';
import { deriveDataset } from '../../projections/deriveDataset';
import { presetNames, type PresetName } from '../../projections/policies/presets';
import { addTrajectory, sum, type LedgerBuilder } from '../support/builders';
import { smallLedger } from '../support/smallLedger';
import { expectGolden } from '../support/golden';
import { preset, presetFolder, presetText } from './policyFiles';

const { events } = smallLedger();

/** The same ledger with trajectories that a large model wrote alone: solved after one and two updates, and at once. */
const withTeacher = (): LedgerBuilder => {
  const ledger = smallLedger();
  const model = { kind: 'endpoint', name: 'large' } as const;
  for (const [n, says] of [
    [1, [10, 11]],
    [2, [20, 21, 22]],
    [3, [33]],
    [4, [40, 41]],
  ] as const)
    addTrajectory(ledger, { pass: 2, sum: sum(n), says, attemptAuthor: 'teacher', improver: 'teacher', model });
  return ledger;
};
const taught: readonly PresetName[] = ['si-demo', 'self-refine'];

const derive = (name: PresetName) =>
  deriveDataset(taught.includes(name) ? withTeacher().events : events, preset(name), {
    seed: 42,
    scope: { runId: 'run-a', iteration: 1 },
  });
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

it('presets.ts lists the files that are there', () => {
  const files = readdirSync(join(presetFolder, 'presets'));
  expect(files.sort()).toEqual(presetNames.map((name) => `${name}.yaml`).sort());
});

it.each(presetNames)('%s names itself, its source and its place in it', (name) => {
  expect(preset(name).name).toBe(name);
  expect(preset(name).description).not.toBe('');
  expect(presetText(name)).toMatch(
    /^# yaml-language-server: \$schema=\.\.\/policy\.schema\.json\n(# .*\n)+policy: 1\n/,
  );
  expect(presetText(name)).toContain('§');
});

it('every preset on the small ledger: counts, reasons and digests', () => {
  expect.hasAssertions();
  const lines = presetNames.map((name) => {
    const { rows, candidates, byKind, byReason, dataset, policy } = derive(name).manifest;
    return canonicalJson({ name, rows, candidates, byKind, byReason, dataset, policy: policy.digest });
  });
  expectGolden('datasets/presets.jsonl', `${lines.join('\n')}\n`);
});

it.each(presetNames)('%s rows, byte for byte', (name) => {
  const { rows, datasetBytes } = derive(name);
  expect(rows.length).toBeGreaterThan(0);
  expectGolden(`datasets/${name}.rows.jsonl`, text(datasetBytes));
});

it('presets that learn from a large model need one', () => {
  for (const name of taught)
    expect(
      deriveDataset(events, preset(name), { seed: 42, scope: { runId: 'run-a', iteration: 1 } }).manifest,
    ).toMatchObject({
      byBucket: expect.not.objectContaining({ SI: expect.anything() }),
    });
});

it('tripost decisions and manifest, byte for byte', () => {
  expect.hasAssertions();
  expectGolden('datasets/tripost.decisions.jsonl', text(derive('tripost').decisionsBytes));
  expectGolden('datasets/tripost.manifest.json', text(derive('tripost').manifestBytes));
});
