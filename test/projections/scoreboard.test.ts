import { sha256 } from '../../events/digest';
import { iterationScored } from '../../events/iterationScored';
import { evaluationRecorded, type EvaluationItem, type JudgedAttempt } from '../../events/evaluationRecorded';
import { eventRetracted } from '../../events/eventRetracted';
import { project } from '../../projections/projection';
import { cellScores, scoreboard, scoresOf } from '../../projections/scoreboard';
import { LedgerBuilder } from '../support/builders';

type Finding = JudgedAttempt['own'];
const ok: Finding = { verdict: 'correct', step: null };
const bad = (step: string): Finding => ({ verdict: 'incorrect', step });
const attempt = (correct: boolean, own: Finding = null, script: Finding = null): JudgedAttempt => ({
  answer: '1',
  correct,
  own,
  script,
});
const item = (seen: boolean, ...attempts: JudgedAttempt[]): EvaluationItem => ({
  problemId: 'p',
  cell: seen ? 'easy' : 'hard',
  seen,
  texts: [],
  attempts,
});

const items = [
  item(true, attempt(true, ok, ok)), // right at once
  item(true, attempt(false, bad('2'), bad('2')), attempt(true, ok, ok)), // wrong → right
  item(true, attempt(false, ok, bad('1'))), // wrong, taken for right
  item(false, attempt(true, bad('1'), ok), attempt(false, bad('3'), bad('2'))), // right → wrong
  item(false, attempt(false, bad('1'), { verdict: 'error', step: null }), attempt(false)), // wrong → wrong, unreadable
  item(false, attempt(true, bad('1')), attempt(true)), // right → right
  item(false), // no attempt at all
];

it('measures what the paper measures', () => {
  expect(scoresOf(items)).toMatchObject({
    'items.total': 7,
    'accuracy.total': 3 / 7,
    'accuracy.seen': 2 / 3,
    'accuracy.unseen': 1 / 4,
    'directlyCorrect.total': 1 / 7,
    'firstCorrect.total': 3 / 7,
    'siFrequency.total': 4 / 7,
    'siContribution.total': 2 / 7,
    'siContributionStrict.total': 1 / 7,
    'rightToWrong.total': 1,
    'wrongToRight.total': 1,
    'wrongToWrong.total': 1,
    'rightToRight.total': 1,
    'rightToWrong.seen': 0,
    'feedbackJudged.total': 6,
    'feedbackVerdictAccuracy.total': 4 / 6,
    'feedbackAccuracy.total': 3 / 6,
  });
});

it('adds up: accuracy is directly correct plus contribution', () => {
  const scores = scoresOf(items);
  for (const part of ['total', 'seen', 'unseen'] as const) {
    const sum = (scores[`directlyCorrect.${part}`] ?? 0) + (scores[`siContribution.${part}`] ?? 0);
    expect(sum).toBeCloseTo(scores[`accuracy.${part}`] ?? -1, 12);
  }
});

it('has no share of nothing', () => {
  const scores = scoresOf([]);
  expect(scores['items.total']).toBe(0);
  expect(scores['accuracy.total']).toBeNull();
  expect(scores['feedbackAccuracy.unseen']).toBeNull();
  expect(cellScores([])).toEqual([]);
});

it('lists evaluations by run, set and iteration, without retracted ones', () => {
  const ledger = new LedgerBuilder();
  const evaluate = (runId: string | null, iteration: number): string => {
    const evaluationId = `${runId}-${iteration}`;
    const checkpoint = sha256(evaluationId);
    if (runId !== null) ledger.add(iterationScored, { runId, iteration, checkpoint, evaluationId });
    return ledger.add(evaluationRecorded, {
      evaluationId,
      checkpoint,
      problemSet: 'test',
      config: {},
      scores: { 'accuracy.total': 0.5 },
      items,
    });
  };
  evaluate(null, 7);
  evaluate('b', 1);
  evaluate('a', 1);
  evaluate('a', 0);
  const leaked = evaluate('a', 2);
  ledger.add(eventRetracted, { eventId: leaked, reason: 'leaked', by: 'ana' });
  ledger.add(iterationScored, { runId: 'c', iteration: 0, checkpoint: sha256('a-0'), evaluationId: 'a-0' });
  const board = project(scoreboard, ledger.events);
  expect(board.map((row) => row.evaluationId)).toEqual(['a-0', 'a-1', 'b-1', 'null-7']);
  expect(board.map((row) => row.runs)).toEqual([
    [
      { runId: 'a', iteration: 0 },
      { runId: 'c', iteration: 0 },
    ],
    [{ runId: 'a', iteration: 1 }],
    [{ runId: 'b', iteration: 1 }],
    [],
  ]);
  expect(board[0]?.scores['accuracy.total']).toBe(3 / 7);
  expect(board[0]?.recorded['accuracy.total']).toBe(0.5);
  expect(board[0]?.cells).toEqual([
    { cell: 'easy', seen: true, items: 3, accuracy: 2 / 3 },
    { cell: 'hard', seen: false, items: 4, accuracy: 1 / 4 },
  ]);
});
