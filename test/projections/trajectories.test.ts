import { labelGiven } from '../../events/labelGiven';
import { project } from '../../projections/projection';
import { trajectories } from '../../projections/trajectories';
import {
  addTrajectory,
  attemptText,
  closingFeedback,
  errorFeedback,
  LedgerBuilder,
  sum,
  updateText,
} from '../support/builders';
import { smallLedger } from '../support/smallLedger';

const all = project(trajectories, smallLedger().events);

it('gives the exact training text: prompt, then every turn with its newline and header', () => {
  const solved = all.trajectories.find((t) => t.place?.problemId === 'p2' && t.place.pass === 0);
  const text = solved?.turns.map((t) => t.text).join('');
  expect(text).toBe(attemptText(2, 20, 23) + errorFeedback(23) + updateText(2, 20, 22) + closingFeedback);
  expect(solved?.turns.map((t) => [t.kind, t.round, t.verdict])).toEqual([
    ['attempt', 0, null],
    ['feedback', 0, 'incorrect'],
    ['improvement', 1, null],
    ['feedback', 1, 'correct'],
  ]);
});

it('orders trajectories by run, iteration, pass and problem', () => {
  const places = all.trajectories.map(
    (t) => `${t.place?.iteration ?? ''} ${t.place?.pass ?? ''} ${t.place?.problemId ?? ''}`,
  );
  expect(places).toEqual([...places].sort());
  expect(places).toHaveLength(22);
});

it('keeps what was verified, refused and called, and how it ended', () => {
  const failed = all.trajectories.find((t) => t.place?.problemId === 'p5' && t.place.pass === 0);
  expect(failed?.closing).toMatchObject({ outcome: 'discarded', reason: 'max-updates' });
  expect(failed?.verifications.map((v) => [v.round, v.answer, v.answerCorrect])).toEqual([
    [0, '50', false],
    [1, '51', false],
    [2, '52', false],
  ]);
  expect(failed?.refused.map((r) => r.rule)).toEqual(Array(3).fill('disagrees-with-fbk'));
  expect(failed?.calls).toHaveLength(1);
});

it('keeps the newest label of an author and all authors', () => {
  const ledger = new LedgerBuilder();
  addTrajectory(ledger, { sum: sum(1), says: [11] });
  const eventId = ledger.events[0]?.id ?? '';
  for (const [value, by] of [
    [true, 'ana'],
    [false, 'ana'],
    [true, 'ben'],
  ] as const) {
    ledger.add(labelGiven, { eventId, label: 'odd', value, by, supersedes: null });
  }
  const labels = project(trajectories, ledger.events).labels.get(eventId);
  expect(labels?.map(({ by, value }) => [by, value])).toEqual([
    ['ana', false],
    ['ben', true],
  ]);
});
