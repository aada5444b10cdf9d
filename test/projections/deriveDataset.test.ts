import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { datasetDerived } from '../../events/datasetDerived';
import { labelGiven } from '../../events/labelGiven';
import { eventRetracted } from '../../events/eventRetracted';
import { datasetDerivedOf, deriveDataset, type Derived, type DeriveOptions } from '../../projections/deriveDataset';
import type { Policy } from '../../projections/policies/policy';
import { ruleText } from '../../projections/policies/rules';
import { presetNames } from '../../projections/policies/presets';
import { project } from '../../projections/projection';
import { parseDecisions, parseRows, textOf, type Decision, type Row } from '../../projections/replayDataset';
import { trajectories } from '../../projections/trajectories';
import {
  addTrajectory,
  attemptText,
  closingFeedback,
  errorFeedback,
  header,
  LedgerBuilder,
  pose,
  sum,
  trajectoryIdOf,
  updateText,
  type TrajectorySpec,
} from '../support/builders';
import { smallLedger } from '../support/smallLedger';
import { ledgerOf } from './arbitraryLedger';
import { policyOf, preset } from './policyFiles';

const policies = presetNames.map((name) => preset(name));
const small = smallLedger();
const iteration1: DeriveOptions = { seed: 42, scope: { runId: 'run-a', iteration: 1 } };

const derive = (specs: readonly TrajectorySpec[], policy: Policy | string): Derived => {
  const ledger = new LedgerBuilder();
  for (const spec of specs) pose(ledger, spec.sum, { gold: false });
  for (const spec of specs) addTrajectory(ledger, spec);
  return deriveDataset(ledger.events, typeof policy === 'string' ? policyOf(policy) : policy, { seed: 1 });
};
/** Decisions on trajectories and their rows, without those on gold. */
const own = (derived: Derived): readonly Decision[] => derived.decisions.filter((d) => d.trajectoryId !== null);
const plain = 'policy: 1\nname: plain\n';
const weightsOf = (row: Row | undefined): string => row?.sections.map((s) => `${s.kind} ${s.weight}`).join(', ') ?? '';
const decisionOn = (derived: Derived, spec: TrajectorySpec): readonly Decision[] =>
  derived.decisions.filter((d) => d.trajectoryId === trajectoryIdOf(spec));

describe('turn split (fact sheet §1.4)', () => {
  const prompt = `Q: 3 + 30 =\n${header}`;
  const { rows } = derive([{ sum: sum(3), says: [30, 31, 33] }], plain);

  it('gives k - 1 x_SI and one x_T, each with the previous attempt as its whole context', () => {
    expect(rows.map((r) => r.bucket)).toEqual(['SI', 'SI', 'T']);
    expect(rows.map(textOf)).toEqual([
      prompt + attemptText(3, 30, 30) + errorFeedback(30) + updateText(3, 30, 31),
      prompt + attemptText(3, 30, 31) + errorFeedback(31) + updateText(3, 30, 33),
      prompt + attemptText(3, 30, 33) + closingFeedback,
    ]);
    expect(rows.every((r) => r.end)).toBe(true);
  });

  it('puts an update in first-attempt form where it is the context, under its own event', () => {
    const [first, second, third] = rows;
    expect(second?.sections[1]?.eventId).toBe(first?.sections[3]?.eventId);
    expect(third?.sections[1]?.eventId).toBe(second?.sections[3]?.eventId);
    expect(second?.sections[1]).toMatchObject({ kind: 'attempt', text: attemptText(3, 30, 31), author: 'script' });
  });

  it('gives one row for right at once, and none but the first feedback for a chain without progress', () => {
    const right = derive([{ sum: sum(1), says: [11] }], plain).rows;
    expect(right.map((r) => [r.bucket, r.end, textOf(r)])).toEqual([
      ['T', true, `Q: 1 + 10 =\n${header}${attemptText(1, 10, 11)}${closingFeedback}`],
    ]);
    const cut = derive([{ sum: sum(1), says: [9, 8, 11], outcome: 'feedback-only' }], plain).rows;
    expect(cut.map((r) => [r.bucket, r.end, textOf(r)])).toEqual([
      ['T', false, `Q: 1 + 10 =\n${header}${attemptText(1, 10, 9)}${errorFeedback(9)}`],
    ]);
  });

  it('splits what the student corrected by itself the same way', () => {
    const self = derive([{ sum: sum(3), says: [30, 33], improver: 'student' }], plain);
    expect(self.rows.map((r) => [r.bucket, ...r.sections.map((s) => s.author)])).toEqual([
      ['SI', null, 'student', 'student', 'student'],
      ['T', null, 'student', 'student'],
    ]);
  });

  it('can leave trajectories whole', () => {
    const whole = derive([{ sum: sum(3), says: [30, 31, 33] }], preset('tripost-whole')).rows;
    expect(whole.map((r) => [r.bucket, r.end, textOf(r)])).toEqual([
      [
        'SI',
        true,
        prompt +
          attemptText(3, 30, 30) +
          errorFeedback(30) +
          updateText(3, 30, 31) +
          errorFeedback(31) +
          updateText(3, 30, 33) +
          closingFeedback,
      ],
    ]);
  });

  it('can pair attempts of different samples, the right one in update form', () => {
    const specs = [
      { sum: sum(3), says: [30] },
      { pass: 1, sum: sum(3), says: [33] },
      { pass: 1, sum: sum(4), says: [44] },
    ];
    const paired = derive(specs, preset('pair-sft'));
    expect(paired.rows.map(textOf)).toEqual([prompt + attemptText(3, 30, 30) + updateText(3, 30, 33)]);
    expect(own(paired).map((d) => d.rule)).toEqual(['kept', 'split.no-partner']);
  });

  it('can take answers alone', () => {
    const rows1 = deriveDataset(small.events, preset('answer-only'), iteration1).rows;
    expect(rows1.map((r) => r.bucket)).toEqual(Array(8).fill('answer'));
    expect(rows1[0] && textOf(rows1[0])).toBe(`Q: 1 + 10 =\n${header}\n(Final response) So the answer is 11.`);
  });
});

describe('weights (fact sheet §1.5)', () => {
  const ledger = smallLedger();
  const { rows, decisions } = deriveDataset(
    ledger.events,
    { ...preset('tripost'), balance: { ratio: 0, within: 'pass', gold: 'all' } },
    iteration1,
  );
  const row = (kind: string): Row | undefined =>
    rows.find((r) => r.id === decisions.find((d) => d.kind === kind)?.rowId);

  it.each([
    ['SI', 'prompt 1, attempt 1, feedback 1.5, improvement 1.5'],
    ['T-edited', 'prompt 1, attempt 1, feedback 1.5'],
    ['feedback-only', 'prompt 1, attempt 1, feedback 1.5'],
    ['T-first', 'prompt 1, attempt 1, feedback 1'],
    ['gold', 'prompt 1, attempt 1, feedback 1'],
  ])('%s', (kind, weights) => expect(weightsOf(row(kind))).toBe(weights));

  it('are not in a row’s id: the ablation has the same rows', () => {
    const ids = (name: 'tripost' | 'tripost-no-weight' | 'tripost-mask-attempts') =>
      deriveDataset(ledger.events, preset(name), iteration1).rows.map((r) => r.id);
    expect(ids('tripost-no-weight')).toEqual(ids('tripost'));
    expect(ids('tripost-mask-attempts')).toEqual(ids('tripost'));
    const masked = deriveDataset(ledger.events, preset('tripost-mask-attempts'), iteration1).rows;
    expect(weightsOf(masked.find((r) => r.bucket === 'SI'))).toBe('prompt 0, attempt 0, feedback 1.5, improvement 1.5');
    expect(weightsOf(masked.find((r) => r.bucket === 'GT'))).toBe('prompt 1, attempt 1, feedback 1');
  });
});

describe('decisions', () => {
  const run = (ledger: LedgerBuilder, text: string) => deriveDataset(ledger.events, policyOf(text), { seed: 1 });

  it('give the reason collection gave', () => {
    const derived = deriveDataset(small.events, preset('tripost'), iteration1);
    expect(decisionOn(derived, { sum: sum(5), says: [] })).toMatchObject([
      {
        kind: 'trajectory',
        rule: 'collect.max-updates',
        value: 'discarded',
        threshold: 'feedback-only, solved',
        rowId: null,
      },
    ]);
    expect(decisionOn(derived, { pass: 1, sum: sum(3), says: [] })[0]?.rule).toBe('collect.unreadable-attempt');
    expect(decisionOn(derived, { pass: 1, sum: sum(8), says: [] })[0]?.rule).toBe('collect.open');
    expect(decisionOn(derived, { pass: 1, sum: sum(7), says: [] })[0]).toMatchObject({
      rule: 'admit.retracted',
      detail: 'ana: wrong feedback',
    });
    expect(ruleText('collect.max-updates')).toBe('Collection closed its trajectory: max-updates.');
  });

  it('measure words of the longest attempt, split on spaces', () => {
    const words = attemptText(1, 10, 11).split(' ').length;
    const at = (max: number) => derive([{ sum: sum(1), says: [9, 11] }], `${plain}admit: { maxWords: ${max} }`);
    expect(at(words).rows).toHaveLength(2);
    expect(own(at(words - 1))).toMatchObject([{ rule: 'admit.max-words', value: words, threshold: words - 1 }]);
  });

  it('measure tokens of the row with the counter that is given', () => {
    const ledger = ledgerOf([{ sum: sum(1), says: [9, 11] }]);
    const policy = policyOf(`${plain}admit: { maxTokens: 3 }`);
    const countTokens: DeriveOptions['countTokens'] = (sections, end) => sections.length + (end ? 1 : 0) - 1;
    const derived = deriveDataset(ledger.events, policy, { seed: 1, countTokens, tokenizer: sha256('t') });
    expect(derived.decisions.slice(0, 2)).toMatchObject([
      { kind: 'SI', rule: 'split.max-tokens', value: 4, threshold: 3 },
      { kind: 'T-edited', kept: true },
    ]);
    expect(derived.manifest.tokenizer).toBe(sha256('t'));
    expect(() => deriveDataset(ledger.events, policy, { seed: 1 })).toThrow('give countTokens');
  });

  it('admit a text once within what the policy says', () => {
    const specs = [
      { sum: sum(1), says: [11] },
      { pass: 1, sum: sum(1), says: [11] },
      { iteration: 2, sum: sum(1), says: [11] },
    ];
    const kept = (dedup: string) => derive(specs, `${plain}admit: { dedup: ${dedup} }`).rows.length;
    expect([kept('none'), kept('pass'), kept('iteration'), kept('scope')]).toEqual([3, 3, 2, 1]);
    const [, twin] = derive(specs, plain).decisions;
    expect(twin).toMatchObject({ rule: 'admit.duplicate', value: trajectoryIdOf({ sum: sum(1), says: [] }) });
  });

  it('ask for the right answer, the wrong one, or the one most attempts give', () => {
    const specs = [30, 30, 33, 31].map((says, pass) => ({ pass, sum: sum(3), says: [says] }));
    const rows = (firstAnswer: string) =>
      derive(
        specs,
        `${plain}admit: { outcomes: [solved, discarded], dedup: none, firstAnswer: ${firstAnswer} }\nsplit: { trajectories: first }`,
      );
    expect(rows('correct').rows.map(textOf)).toEqual([expect.stringContaining('answer is 33')]);
    expect(rows('wrong').rows).toHaveLength(3);
    expect(rows('majority').rows.map(textOf)).toEqual(Array(2).fill(expect.stringContaining('answer is 30')));
    expect(rows('majority').decisions[3]).toMatchObject({ rule: 'admit.first-answer', value: 1, threshold: 2 });
  });

  it('leave out other authors, labelled events and problems that are not for training', () => {
    const byTeacher = derive(
      [{ sum: sum(3), says: [30, 33], improver: 'teacher' }],
      `${plain}select: { authors: { improvement: [student, script] } }`,
    );
    expect(own(byTeacher)).toMatchObject([{ rule: 'select.author', value: 'teacher', threshold: 'script, student' }]);
    const labelled = deriveDataset(small.events, policyOf(`${plain}admit: { withoutLabels: wrong-feedback }`), {
      seed: 1,
      scope: { iteration: 2 },
    });
    expect(labelled.manifest.byReason).toMatchObject({ 'admit.label': 1 });
    const test = new LedgerBuilder();
    pose(test, sum(1), { split: 'test' });
    addTrajectory(test, { sum: sum(1), says: [11] });
    addTrajectory(test, { sum: sum(2), says: [22] });
    expect(run(test, plain).decisions.map((d) => d.rule)).toEqual(['select.split', 'select.unknown-problem']);
  });

  it('a label that its author took back does not count', () => {
    const ledger = ledgerOf([{ sum: sum(1), says: [11] }]);
    const eventId = ledger.events.find((e) => e.type === 'FeedbackGiven')?.id ?? '';
    const rows = () => run(ledger, `${plain}admit: { withoutLabels: [odd] }`).rows.length;
    ledger.add(labelGiven, { eventId, label: 'odd', value: true, by: 'ana', supersedes: null });
    expect(rows()).toBe(0);
    ledger.add(labelGiven, { eventId, label: 'odd', value: false, by: 'ana', supersedes: null });
    expect(rows()).toBe(1);
  });

  it('a retracted problem takes its gold row and its trajectories with it', () => {
    const ledger = ledgerOf([{ sum: sum(1), says: [11] }], 2);
    const eventId = ledger.events.find((e) => e.type === 'ProblemPosed')?.id ?? '';
    ledger.add(eventRetracted, { eventId, reason: 'leaked', by: 'ana' });
    const derived = run(ledger, `${plain}select: { sources: [trajectories, gold] }`);
    expect(derived.manifest.byReason).toEqual({ 'admit.retracted': 2, kept: 1 });
  });

  it('caps the samples of a problem by draw', () => {
    const specs = [0, 1, 2, 3].map((pass) => ({ pass, sum: sum(3), says: [33] }));
    const capped = derive(specs, `${plain}admit: { dedup: none, perProblem: 3 }`);
    expect(own(capped).filter((d) => !d.kept)).toMatchObject([{ rule: 'admit.per-problem', value: 4, threshold: 3 }]);
  });
});

describe('scope', () => {
  it('is one iteration, or all up to it', () => {
    const iterations = (name: 'tripost' | 'tripost-aggregate') =>
      new Set(
        deriveDataset(small.events, preset(name), { seed: 1, scope: { runId: 'run-a', iteration: 2 } }).decisions.map(
          (d) => d.iteration,
        ),
      );
    expect(iterations('tripost')).toEqual(new Set([2, null]));
    expect(iterations('tripost-aggregate')).toEqual(new Set([1, 2, null]));
  });

  it('takes gold from the problem set of its iterations, or from the one it is given', () => {
    const ledger = smallLedger();
    pose(ledger, sum(20), { set: 'other' });
    const gold = (scope: NonNullable<DeriveOptions['scope']>) =>
      deriveDataset(ledger.events, preset('ft-rationale'), { seed: 1, scope }).manifest.rows;
    expect([gold({ runId: 'run-a', iteration: 1 }), gold({ problemSet: 'other' }), gold({})]).toEqual([8, 1, 9]);
  });
});

describe('a dataset', () => {
  it('is a value with its counts when it is empty', () => {
    const empty = deriveDataset([], preset('tripost'), { seed: 0 });
    expect(empty.rows).toEqual([]);
    expect(empty.manifest).toMatchObject({
      rows: 0,
      candidates: 0,
      byBucket: {},
      byReason: {},
      enough: true,
      dataset: sha256(''),
    });
  });

  it('reads back from its bytes', () => {
    const derived = deriveDataset(small.events, preset('tripost'), iteration1);
    expect(parseRows(derived.datasetBytes)).toEqual(E.right(derived.rows));
    expect(parseDecisions(derived.decisionsBytes)).toEqual(E.right(derived.decisions));
    expect(parseRows('{}\n')).toEqual(E.left(expect.stringMatching(/^line 1: .*id/)));
    expect(parseRows('\n{')).toEqual(E.left('line 2: not JSON'));
  });

  it('is recorded with its ledger prefix and cannot be without', () => {
    const ledger = { size: small.events.length, root: sha256('root') };
    const derived = deriveDataset(small.events, preset('tripost'), { ...iteration1, ledger });
    const data = datasetDerivedOf(derived);
    expect(E.isRight(datasetDerived.codec.decode(JSON.parse(JSON.stringify(data))))).toBe(true);
    expect(data).toMatchObject({
      ledger,
      scope: { runId: 'run-a', iteration: 1 },
      manifest: sha256(derived.manifestBytes),
    });
    expect(() => datasetDerivedOf(deriveDataset([], preset('tripost'), { seed: 0 }))).toThrow('ledger prefix');
  });

  it('is the same from folded trajectories', () => {
    const folded = project(trajectories, small.events);
    for (const policy of policies) {
      expect(deriveDataset(folded, policy, iteration1).manifest).toEqual(
        deriveDataset(small.events, policy, iteration1).manifest,
      );
    }
  });

  it('can be in drawn order: the same rows, and another candidate reshuffles nobody', () => {
    const policy = policyOf(`${plain}order: drawn`);
    const specs = [1, 2, 3, 4, 5, 6].map((n) => ({ sum: sum(n), says: [11 * n] }));
    const ids = (n: number) => derive(specs.slice(0, n), policy).rows.map((r) => r.id);
    expect([...ids(6)].sort()).toEqual(
      derive(specs, plain)
        .rows.map((r) => r.id)
        .sort(),
    );
    expect(ids(6).filter((id) => ids(5).includes(id))).toEqual(ids(5));
    expect(ids(6)).not.toEqual(derive(specs, plain).rows.map((r) => r.id));
  });
});
