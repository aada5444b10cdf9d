import { callFailed } from '../../events/callFailed';
import { canonicalJson, sha256 } from '../../events/digest';
import { labelGiven } from '../../events/labelGiven';
import { ledgerSealed } from '../../events/ledgerSealed';
import { deriveDataset } from '../../projections/deriveDataset';
import { foldEvents, project } from '../../projections/projection';
import { stats } from '../../projections/stats';
import { examples } from '../support/examples';
import { smallLedger, trainOn } from '../support/smallLedger';
import { preset } from './policyFiles';

const ledger = smallLedger();
const prefix = { size: ledger.events.length, root: sha256('root') };
const scope = { runId: 'run-a', iteration: 1 };
const derived = deriveDataset(ledger.events, preset('tripost'), { seed: 42, scope, ledger: prefix });
trainOn(ledger, derived);
ledger.add(callFailed, { ...examples.CallFailed, attempt: 0, final: false });
ledger.add(callFailed, { ...examples.CallFailed, attempt: 1, final: true });
ledger.add(labelGiven, examples.LabelGiven);
const root = sha256('sealed');
ledger.add(ledgerSealed, { size: 3, root: sha256('older'), previousSeal: null, signature: null });
ledger.add(ledgerSealed, { size: ledger.events.length, root, previousSeal: null, signature: null });
const { events } = ledger;
const found = project(stats, events);

const typed = (type: string): number => events.filter((event) => event.type === type).length;

describe('stats', () => {
  it('count every event once by type and once by family, with its bytes', () => {
    const bytes = events.reduce((sum, { data }) => sum + Buffer.byteLength(canonicalJson(data)), 0);
    expect(found).toMatchObject({ events: events.length, bytes, streams: new Set(events.map((e) => e.stream)).size });
    for (const amounts of [found.types, found.families]) {
      const sums = Object.values(amounts).reduce((a, b) => ({ events: a.events + b.events, bytes: a.bytes + b.bytes }));
      expect(sums).toMatchObject({ events: events.length, bytes });
    }
    expect(found.types['AttemptMade']?.events).toBe(typed('AttemptMade'));
    expect(found.families['trajectory']?.streams).toBe(
      new Set(events.filter(({ stream }) => stream.startsWith('trajectory-')).map(({ stream }) => stream)).size,
    );
    expect(Object.keys(found.families)).toEqual(
      expect.arrayContaining(['dataset', 'notes', 'problems', 'run', 'seals']),
    );
  });

  it('tell trajectories by outcome, and which are open', () => {
    const closed = events.flatMap((event) => (event.type === 'TrajectoryClosed' ? [event.data.outcome] : []));
    const of = (outcome: string): number => closed.filter((each) => each === outcome).length;
    expect(found.trajectories).toEqual({
      solved: of('solved'),
      discarded: of('discarded'),
      'feedback-only': of('feedback-only'),
      // One that was never closed, and one of which only the failed calls are known.
      open: 2,
    });
  });

  it('tell calls, tokens and failures', () => {
    const calls = typed('GenerationProduced');
    const student = { calls, promptTokens: 10 * calls, completionTokens: 20 * calls };
    expect(found.calls).toEqual({ ...student, failed: 2, givenUp: 1, byAuthor: { student } });
  });

  it('tell what was made of them', () => {
    expect(found).toMatchObject({
      runs: 1,
      iterations: 2,
      problems: 10,
      datasets: { different: 1, derived: 1 },
      trainings: { started: 1, completed: 1 },
      checkpoints: { students: 1, states: 0 },
      notes: { retractions: 1, labels: 2 },
      seals: 2,
      sealed: { size: events.length - 1, root },
    });
    expect(found.trainings.steps).toBeGreaterThan(1);
  });

  it('know the blobs that events name', () => {
    const { dataset, decisions } = derived.manifest;
    // The dataset's rows and decisions (its manifest too), a checkpoint's file, and the bodies of a served call.
    const named = [...foldEvents(stats, events).blobs.keys()];
    expect(named).toEqual(expect.arrayContaining([dataset, decisions]));
    expect(named).toHaveLength(6);
  });

  it('of an empty ledger are nothing', () => {
    expect(project(stats, [])).toMatchObject({
      events: 0,
      first: null,
      last: null,
      trajectories: { open: 0 },
      sealed: null,
    });
  });
});
