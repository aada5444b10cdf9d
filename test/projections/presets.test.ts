import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../events/digest';
import { deriveDataset } from '../../projections/deriveDataset';
import { presetNames, type PresetName } from '../../projections/policies/presets';
import { smallLedger } from '../support/smallLedger';
import { expectGolden } from '../support/golden';
import { preset, presetFolder, presetText } from './policyFiles';

const { events } = smallLedger();
const derive = (name: PresetName) =>
  deriveDataset(events, preset(name), { seed: 42, scope: { runId: 'run-a', iteration: 1 } });
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

it('presets.ts lists the files that are there', () => {
  const files = readdirSync(join(presetFolder, 'presets'));
  expect(files.sort()).toEqual(presetNames.map((name) => `${name}.yaml`).sort());
});

it.each(presetNames)('%s names itself, its source and its place in it', (name) => {
  expect(preset(name).name).toBe(name);
  expect(preset(name).description).not.toBe('');
  expect(presetText(name)).toMatch(/^# .*\n(# .*\n)*policy: 1\n/);
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

it.each(['tripost', 'tripost-whole', 'ft-rationale', 'answer-only', 'lmsi-vote', 'pair-sft', 'critique-only'] as const)(
  '%s rows, byte for byte',
  (name) => {
    expect.hasAssertions();
    expectGolden(`datasets/${name}.rows.jsonl`, text(derive(name).datasetBytes));
  },
);

it('tripost decisions and manifest, byte for byte', () => {
  expect.hasAssertions();
  expectGolden('datasets/tripost.decisions.jsonl', text(derive('tripost').decisionsBytes));
  expectGolden('datasets/tripost.manifest.json', text(derive('tripost').manifestBytes));
});
