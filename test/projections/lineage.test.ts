import { collectionOfRun } from '../../events/collectionOfRun';
import { sha256 } from '../../events/digest';
import { deriveDataset } from '../../projections/deriveDataset';
import { lineage } from '../../projections/lineage';
import { project } from '../../projections/projection';
import { traceCheckpoint, traceDataset, traceEvent, traceRow, traceTraining } from '../../projections/trace';
import { renderTrace, type TraceNode } from '../../projections/traceNode';
import { eventRetracted } from '../../events/eventRetracted';
import { decisionsFor, findById, notesSince, why } from '../../projections/why';
import { baseCheckpoint, trainedCheckpoint } from '../support/builders';
import { smallLedger, trainOn } from '../support/smallLedger';
import { preset } from './policyFiles';

const ledger = smallLedger();
const prefix = () => ({ size: ledger.events.length, root: sha256('root') });
const scoped = (iteration: number) =>
  deriveDataset(ledger.events, preset('tripost'), { seed: 42, scope: { runId: 'run-a', iteration }, ledger: prefix() });
const first = scoped(1);
const second = scoped(2);
const last = sha256('checkpoint after iteration 2');
trainOn(ledger, first);
const { trainingId } = trainOn(ledger, second, { iteration: 2, checkpoint: last, base: trainedCheckpoint });
const known = project(lineage, ledger.events);
const rows = new Map([
  [first.manifest.dataset, first.rows],
  [second.manifest.dataset, second.rows],
]);

/** Labels and ids of the nodes on some path that ends in this label. */
const paths = (root: TraceNode, label: string, above: readonly string[] = []): readonly (readonly string[])[] => {
  const here = [...above, root.label];
  return [...(root.label === label ? [here] : []), ...root.children.flatMap((child) => paths(child, label, here))];
};
/** Of what is told; what is only named again is left out. */
const idsOf = (root: TraceNode, label: string): readonly (string | null)[] => [
  ...(root.label === label && root.detail['told'] === undefined ? [root.id] : []),
  ...root.children.flatMap((child) => idsOf(child, label)),
];
const eventOf = (type: string, problemId: string, pass: number, round = 0): string => {
  const closed = ledger.events.find(
    (e) =>
      e.type === 'GenerationProduced' &&
      e.data.problemId === problemId &&
      e.data.pass === pass &&
      e.data.iteration === 1,
  );
  const stream = closed?.stream;
  const found = ledger.events.find(
    (e) => e.stream === stream && e.type === type && 'round' in e.data && e.data.round === round,
  );
  return found?.id ?? `no ${type}`;
};

describe('trace', () => {
  const row = second.rows.find((r) => r.bucket === 'SI');
  if (row === undefined) throw new Error('iteration 2 has an x_SI row');
  const trace = traceRow(known, row, rows);

  it('follows a section to its event, its call, the checkpoint that wrote it, that one’s training, dataset and policy', () => {
    const path =
      'row attempt AttemptMade GenerationProduced checkpoint CheckpointWritten training dataset DatasetDerived policy';
    expect(paths(trace, 'policy')[0]).toEqual(path.split(' '));
    expect(idsOf(trace, 'dataset')).toEqual([first.manifest.dataset]);
    expect(idsOf(trace, 'policy')).toEqual([first.manifest.policy.digest]);
    expect(idsOf(trace, 'run')).toEqual(['run-a']);
    expect(idsOf(trace, 'checkpoint')).toEqual([trainedCheckpoint, baseCheckpoint]);
  });

  it('shows author and weight of every section', () => {
    expect(trace.children.slice(0, 4).map((s) => [s.label, s.detail['author'], s.detail['weight']])).toEqual([
      ['prompt', null, 1],
      ['attempt', 'student', 1],
      ['feedback', 'script', 1.5],
      ['improvement', 'script', 1.5],
    ]);
  });

  it('names the steps that trained on a row and the checkpoint they went into', () => {
    const index = second.rows.indexOf(row);
    const steps = ledger.events.flatMap((e) =>
      e.type === 'StepRecorded' && e.data.trainingId === trainingId
        ? e.data.steps.filter((s) => s.rows.includes(index)).map((s) => s.step)
        : [],
    );
    const told = trace.children.filter((c) => c.label === 'in dataset').flatMap((c) => c.children);
    expect(told.map((t) => t.id)).toEqual([trainingId]);
    const stepNodes = told.flatMap((t) => t.children).filter((c) => c.label === 'step');
    expect(stepNodes.map((s) => s.detail['step'])).toEqual(steps);
    expect(steps.length).toBeGreaterThan(0);
    expect(idsOf(trace, 'into checkpoint')).toEqual([last]);
  });

  it('follows an event forward through every checkpoint it reached', () => {
    const feedback = first.rows.find((r) => r.bucket === 'SI')?.sections[2]?.eventId ?? '';
    const forward = traceEvent(known, feedback, rows);
    expect(paths(forward, 'into checkpoint')).toContainEqual([
      'FeedbackGiven',
      'in row',
      'in dataset',
      'trained by',
      'into checkpoint',
      'base of training',
      'into checkpoint',
    ]);
    expect(idsOf(forward, 'into checkpoint')).toEqual([trainedCheckpoint, last]);
    expect(idsOf(forward, 'named by')).toHaveLength(1);
  });

  it('shows a retraction on the event it is about', () => {
    const note = traceEvent(known, eventOf('FeedbackGiven', 'p7', 1), rows);
    expect(note.children[0]).toMatchObject({
      label: 'EventRetracted',
      detail: { reason: 'wrong feedback', by: 'ana' },
    });
    expect(idsOf(note, 'in row')).toEqual([]);
  });

  it('tells what a checkpoint came from and what it was used for', () => {
    const checkpoint = traceCheckpoint(known, trainedCheckpoint);
    expect(idsOf(checkpoint, 'dataset')).toEqual([first.manifest.dataset]);
    expect(checkpoint.children.find((c) => c.label === 'generated')?.detail).toEqual({
      when: `collection ${collectionOfRun('run-a', 2)}, iteration 2`,
      texts: 6,
    });
    expect(idsOf(checkpoint, 'base of training')).toEqual([trainingId]);
    expect(idsOf(traceDataset(known, second.manifest.dataset), 'trained by')).toEqual([trainingId]);
  });

  it('says so when something is not in this ledger', () => {
    expect(traceEvent(known, 'no-such-event')).toMatchObject({ label: 'event not in this ledger' });
    expect(traceCheckpoint(known, baseCheckpoint).detail).toEqual({ written: 'not in this ledger' });
    expect(traceDataset(known, sha256('other')).detail).toEqual({ derived: 'not in this ledger' });
  });

  it('prints as indented lines', () => {
    const lines = renderTrace(trace).split('\n');
    expect(lines[0]).toBe(
      `row ${row.id} bucket=SI problemId=${row.problemId} trajectoryId=${row.trajectoryId ?? ''} iteration=2`,
    );
    expect(lines[1]).toBe('  prompt weight=1');
  });
});

describe('trace of a depth and a direction', () => {
  const row = first.rows.find((r) => r.bucket === 'SI');
  if (row === undefined) throw new Error('iteration 1 has an x_SI row');
  const deepest = (root: TraceNode): number => 1 + Math.max(0, ...root.children.map(deepest));

  it('goes forward from a row over steps, checkpoints, what those generated, later datasets, to the last checkpoint', () => {
    const forward = traceRow(known, row, rows, { direction: 'forward' });
    const path = 'row|in dataset|trained by|into checkpoint|gave rows to dataset|trained by|into checkpoint';
    expect(paths(forward, 'into checkpoint').map((each) => each.join('|'))).toContain(path);
    expect(idsOf(forward, 'into checkpoint')).toEqual([trainedCheckpoint, last]);
    expect(idsOf(forward, 'gave rows to dataset')).toEqual([second.manifest.dataset]);
    const held = second.rows.filter(({ trajectoryId }) => trajectoryId !== null).length;
    const told = (root: TraceNode): readonly TraceNode[] => [root, ...root.children.flatMap(told)];
    expect(told(forward).find(({ label }) => label === 'gave rows to dataset')?.detail).toEqual({ rows: held });
    expect(
      told(forward)
        .filter(({ label }) => label === 'generated')
        .map(({ detail }) => detail['texts']),
    ).toEqual([6]);
    expect(idsOf(forward, 'ProblemPosed')).toEqual([]);
  });

  it('goes back alone, and both ways is back and forward together', () => {
    const [back, forward, both] = (['back', 'forward', 'both'] as const).map((direction) =>
      traceRow(known, row, rows, { direction, depth: 1 }),
    );
    expect(back?.children.map(({ label }) => label)).toEqual(['prompt', 'attempt', 'feedback', 'improvement']);
    expect(both?.children.map(({ label }) => label)).toEqual(
      [...(back?.children ?? []), ...(forward?.children ?? [])].map(({ label }) => label),
    );
  });

  const all = (at: TraceNode, level = 0): readonly (readonly [TraceNode, number])[] => [
    [at, level],
    ...at.children.flatMap((child) => all(child, level + 1)),
  ];
  const feedback = first.rows.find((r) => r.bucket === 'SI')?.sections[2]?.eventId ?? '';

  it.each([0, 1, 2, 3, 5, 8])('stops %i levels down, counts what it hides, and hides nothing above', (depth) => {
    const nodes = all(traceRow(known, row, rows, { depth }));
    const hiding = nodes.filter(([at]) => at.detail['hidden'] !== undefined);
    expect(deepest(traceRow(known, row, rows, { depth }))).toBe(
      Math.min(depth + 1, deepest(traceRow(known, row, rows))),
    );
    expect(hiding.map(([at, level]) => [level, at.children.length])).toEqual(hiding.map(() => [depth, 0]));
    expect(hiding.every(([at]) => Number(at.detail['hidden']) > 0)).toBe(true);
    const wider = all(traceRow(known, row, rows, { depth: depth + 1 }));
    const below = wider.filter(([, level]) => level === depth + 1).length;
    expect(below).toBeLessThanOrEqual(hiding.reduce((sum, [at]) => sum + Number(at.detail['hidden']), 0));
  });

  it('what is named again has been told as near to the root, at any depth', () => {
    const late: string[] = [];
    for (let depth = 0; depth < 12; depth++) {
      const seen = new Map<string, number>();
      for (const [at, level] of all(traceEvent(known, feedback, rows, { depth }))) {
        const key = `${at.label} ${at.id ?? ''}`;
        const known0 = seen.get(key) ?? Number.POSITIVE_INFINITY;
        if (at.detail['told'] === undefined) seen.set(key, Math.min(level, known0));
        else if (known0 > level) late.push(`${key} at ${level} of ${depth}`);
      }
    }
    expect(late).toEqual([]);
  });

  it('knows trainings and the events that record things', () => {
    const training = traceTraining(known, trainingId, rows);
    expect(training.children.map(({ label }) => label)).toEqual(['dataset', 'checkpoint', 'into checkpoint']);
    expect(traceTraining(known, 'none', rows).detail).toEqual({ begun: 'not in this ledger' });
    const derived = known.datasets.get(first.manifest.dataset)?.[0]?.eventId ?? '';
    expect(idsOf(traceEvent(known, derived, rows), 'into checkpoint')).toEqual([trainedCheckpoint, last]);
  });
});

describe('findById', () => {
  it('takes unique prefixes of six characters or more', () => {
    const row = first.rows[0]?.id ?? '';
    expect(findById(row.slice(0, 8), { lineage: known, rows })).toEqual([{ kind: 'row', id: row }]);
    expect(findById(row.slice(0, 5), { lineage: known, rows })).toEqual([]);
    expect(findById(trainedCheckpoint.slice(0, 12), { lineage: known })).toEqual([
      { kind: 'checkpoint', id: trainedCheckpoint },
    ]);
    expect(findById('p3', { lineage: known })).toEqual([{ kind: 'problem', id: 'p3' }]);
  });
});

describe('why', () => {
  const answer = (target: string) => why(target, first.decisions, known);

  it('names the rule with value and threshold', () => {
    const dropped = first.decisions.find((d) => d.rule === 'balance.not-drawn');
    const told = answer(dropped?.candidateId ?? '').children[0];
    expect(told).toMatchObject({ label: 'left out', id: dropped?.candidateId });
    expect(told?.detail).toMatchObject({
      rule: 'balance.not-drawn',
      value: dropped?.value,
      threshold: dropped?.threshold,
    });
    expect(Number(dropped?.value)).toBeGreaterThan(Number(dropped?.threshold));
  });

  it('gives the rows that an attempt of a kept trajectory is in', () => {
    const update = eventOf('ImprovementProduced', 'p3', 0, 1);
    const holding = first.decisions.filter((d) => d.attemptIds.includes(update));
    expect(holding.filter((d) => d.kind === 'SI')).toHaveLength(2); // as the update, then as the attempt
    expect(answer(update).detail).toEqual({ kept: 2, leftOut: 0 });
    expect(answer(update).children.map((c) => c.id)).toEqual(holding.map((d) => d.rowId));
  });

  it('explains a discarded, a retracted and a duplicate trajectory', () => {
    const rule = (problemId: string, pass: number) =>
      answer(eventOf('AttemptMade', problemId, pass)).children[0]?.detail['rule'];
    expect(rule('p5', 0)).toBe('collect.max-updates');
    expect(rule('p7', 1)).toBe('admit.retracted');
    expect(rule('p1', 1)).toBe('admit.duplicate');
    expect(rule('p8', 1)).toBe('collect.open');
  });

  it('explains a turn that was refused, and one that the cut left out', () => {
    const refused = answer(eventOf('TurnRefused', 'p2', 0));
    expect(refused.children[0]).toMatchObject({
      label: 'refused in collection',
      detail: { rule: 'disagrees-with-fbk', expected: 'incorrect at 2', got: 'correct' },
    });
    const cut = answer(eventOf('ImprovementProduced', 'p4', 0, 2));
    expect(cut.detail['answer']).toContain('in no candidate');
    expect(cut.children[0]?.detail['kind']).toBe('feedback-only');
  });

  it('answers for a trajectory, a problem, and for what is not in scope', () => {
    const decision = first.decisions.find((d) => d.kind === 'SI');
    expect(answer(decision?.trajectoryId ?? '').label).toBe('why trajectory');
    expect(answer('p9').children[0]?.detail['rule']).toBe('split.no-rationale');
    const other = second.rows.find((r) => r.trajectoryId !== null)?.sections[1]?.eventId ?? '';
    expect(answer(other).detail['answer']).toBe('It is not in the scope of this dataset.');
    expect(answer('nothing').detail['answer']).toBe('No candidate of this dataset has that id.');
  });
});

describe('notesSince', () => {
  it('names what was taken back behind a dataset, of its own events only', () => {
    const later = smallLedger();
    const size = later.events.length;
    const row = first.rows.find((r) => r.bucket === 'SI');
    const feedback = row?.sections[2]?.eventId ?? '';
    later.add(eventRetracted, { eventId: feedback, reason: 'late', by: 'ana' });
    const after = project(lineage, later.events);
    const told = (target: string) =>
      notesSince(later.events, size, decisionsFor(target, first.decisions, after), after).map(
        ({ about, says, by }) => ({
          about,
          says,
          by,
        }),
      );
    expect(told(row?.id ?? '')).toEqual([{ about: feedback, says: 'late', by: 'ana' }]);
    expect(told(first.rows.find((r) => r.problemId !== row?.problemId)?.id ?? '')).toEqual([]);
  });
});
