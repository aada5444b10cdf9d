import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { canonicalJson, sha256 } from '../../events/digest';
import { evaluationRecorded } from '../../events/evaluationRecorded';
import { iterationScored } from '../../events/iterationScored';
import { deriveDataset } from '../../projections/deriveDataset';
import { experiments } from '../../projections/ablation/experiments';
import { lineage } from '../../projections/lineage';
import { foldEvents, loadState, saveState, type Projection } from '../../projections/projection';
import { scoreboard } from '../../projections/scoreboard';
import { stats } from '../../projections/stats';
import { trajectories } from '../../projections/trajectories';
import { smallLedger, trainOn } from '../support/smallLedger';
import { interleaved } from './arbitraryLedger';
import { preset } from './policyFiles';

const ledger = smallLedger();
const scope = { runId: 'run-a', iteration: 1 };
const root = sha256('root');
trainOn(ledger, deriveDataset(ledger.events, preset('tripost'), { seed: 1, scope, ledger: { size: 9, root } }));
for (const iteration of [0, 1]) {
  ledger.add(evaluationRecorded, {
    evaluationId: `e${iteration}`,
    checkpoint: sha256(`c${iteration}`),
    problemSet: 'sums',
    config: {},
    scores: {},
    items: [],
  });
  const checkpoint = sha256(`c${iteration}`);
  ledger.add(iterationScored, { runId: 'run-a', iteration, checkpoint, evaluationId: `e${iteration}` });
}
const { events } = ledger;

const bytes = (view: unknown): string =>
  canonicalJson(
    JSON.parse(
      JSON.stringify(view, (_, value: unknown) =>
        value instanceof Map ? [...value].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)) : value,
      ),
    ) as unknown,
  );

const laws = <State, View>(projection: Projection<State, View>): void => {
  describe(`laws of ${projection.name}`, () => {
    const whole = foldEvents(projection, events);

    it('folds the log in two parts to the same bytes, wherever it is split', () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: events.length }), (at) => {
          const before = saveState(projection, foldEvents(projection, events.slice(0, at)));
          const resumed = loadState(projection, before);
          if (E.isLeft(resumed)) throw new Error(resumed.left);
          const after = foldEvents(projection, events.slice(at), resumed.right);
          expect(saveState(projection, after)).toBe(saveState(projection, whole));
          expect(bytes(projection.view(after))).toBe(bytes(projection.view(whole)));
        }),
        { numRuns: 15 },
      );
    });

    it('shows the same whatever the order between streams', () => {
      fc.assert(
        fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 50 }), (picks) => {
          const other = projection.view(foldEvents(projection, interleaved(events, picks)));
          expect(bytes(other)).toBe(bytes(projection.view(whole)));
        }),
        { numRuns: 15 },
      );
    });

    it('is not changed by looking at it', () => {
      const state = foldEvents(projection, events);
      projection.view(state);
      expect(saveState(projection, state)).toBe(saveState(projection, whole));
    });
  });
};

laws(trajectories);
laws(lineage);
laws(experiments);
laws(scoreboard);
laws(stats);

describe('loadState', () => {
  it('refuses another projection, another version, and what is no state', () => {
    const saved = saveState(trajectories, trajectories.initial());
    expect(loadState(lineage, saved)).toEqual(
      E.left('Saved state is of trajectories@3, this code folds lineage@2: fold from the start.'),
    );
    expect(E.isLeft(loadState({ ...trajectories, version: 4 }, saved))).toBe(true);
    expect(loadState(trajectories, '{')).toEqual(E.left('Not a saved state of trajectories@3: not JSON.'));
    expect(loadState(trajectories, '{}')).toEqual(E.left('Not a saved state of trajectories@3.'));
  });

  it('gives a state that shares nothing with the old one', () => {
    const state = foldEvents(trajectories, events.slice(0, 60));
    const before = saveState(trajectories, state);
    foldEvents(trajectories, events.slice(60), trajectories.fromJson(trajectories.toJson(state)));
    expect(saveState(trajectories, state)).toBe(before);
  });
});
