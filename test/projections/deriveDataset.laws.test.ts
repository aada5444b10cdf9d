import * as fc from 'fast-check';
import { deriveDataset } from '../../projections/deriveDataset';
import { presetNames } from '../../projections/policies/presets';
import { project } from '../../projections/projection';
import type { Decision } from '../../projections/replayDataset';
import { trajectories } from '../../projections/trajectories';
import { addTrajectory, pose, sum, type LedgerBuilder } from '../support/builders';
import { anySpecs, interleaved, ledgerOf } from './arbitraryLedger';
import { preset } from './policyFiles';

const policies = presetNames.map((name) => preset(name));

describe('for any trajectories and every preset', () => {
  const scope = { runId: 'run-a', iteration: 1 };
  const anyPolicy = fc.constantFrom(...policies);

  it('every candidate has one decision, kept ones and rows are one to one, sums are right', () => {
    fc.assert(
      fc.property(anySpecs, anyPolicy, (specs, policy) => {
        const { events } = ledgerOf(specs);
        const { rows, decisions, manifest } = deriveDataset(events, policy, { seed: 5, scope });
        expect(new Set(decisions.map((d) => d.candidateId)).size).toBe(decisions.length);
        const keptIds = decisions.filter((d) => d.kept).map((d) => d.rowId);
        expect(keptIds).toHaveLength(rows.length);
        expect(new Set(keptIds)).toEqual(new Set(rows.map((r) => r.id)));
        expect(decisions.every((d) => d.kept === (d.rule === 'kept') && d.kept === (d.rowId !== null))).toBe(true);
        const touched = new Set(decisions.flatMap((d) => [d.trajectoryId, ...d.eventIds]));
        const inScope = project(trajectories, events).trajectories.filter((t) => t.place?.iteration === 1);
        const missed = inScope.filter(
          (t) => ![t.trajectoryId, ...t.turns.map((turn) => turn.eventId)].some((id) => touched.has(id)),
        );
        expect(missed).toEqual([]);
        const total = Object.values(manifest.byReason).reduce((a, b) => a + b, 0);
        expect(total).toBe(decisions.length);
        for (const row of rows) expect(row.sections[0]?.kind).toBe('prompt');
      }),
      { numRuns: 50 },
    );
  });

  it('the order between streams changes no byte', () => {
    fc.assert(
      fc.property(anySpecs, anyPolicy, fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), (specs, policy, picks) => {
        const { events } = ledgerOf(specs);
        const a = deriveDataset(events, policy, { seed: 5, scope });
        const b = deriveDataset(interleaved(events, picks), policy, { seed: 5, scope });
        expect(b.manifest).toEqual(a.manifest);
        expect(Buffer.compare(Buffer.from(a.decisionsBytes), Buffer.from(b.decisionsBytes))).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it('another problem changes no draw: what was left of any two candidates stays left', () => {
    fc.assert(
      fc.property(anySpecs, (specs) => {
        const ranked = (ledger: LedgerBuilder, drawn: (d: Decision) => boolean) =>
          deriveDataset(ledger.events, preset('tripost'), { seed: 5, scope })
            .decisions.filter((d) => typeof d.value === 'number' && drawn(d))
            .sort((a, b) => Number(a.pass) - Number(b.pass) || Number(a.value) - Number(b.value))
            .map((d) => d.candidateId);
        const more = ledgerOf(specs);
        pose(more, sum(30));
        addTrajectory(more, { sum: sum(30), says: [1, 330] });
        for (const bucket of ['T', 'GT']) {
          const before = ranked(ledgerOf(specs), (d) => d.bucket === bucket);
          const after = ranked(more, (d) => d.bucket === bucket);
          expect(after.filter((id) => before.includes(id))).toEqual(before);
        }
      }),
      { numRuns: 25 },
    );
  });
});
