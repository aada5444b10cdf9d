import * as fc from 'fast-check';
import { agreementOf, type Finding, type ScoredFinding } from '../../projections/feedbackAgreement';

const right: Finding = { verdict: 'correct', step: null };
const wrong = (step: string): Finding => ({ verdict: 'incorrect', step });
const times = (n: number, given: Finding, script: Finding): readonly ScoredFinding[] =>
  Array.from({ length: n }, () => ({ given, script }));

const finding: fc.Arbitrary<Finding> = fc.oneof(
  fc.constant(right),
  fc.constantFrom('1', '2', '3.1', 'Final response').map(wrong),
);
const anyScored = fc.array(
  fc.record({ given: finding, script: fc.oneof(finding, fc.constant<Finding>({ verdict: 'error', step: null })) }),
);

describe('agreement of feedback with a script', () => {
  it('counts pairs of verdicts, the same first wrong step, and kappa', () => {
    // Two raters, fifty subjects, 20 + 15 of them alike: kappa 0.4, the textbook's example.
    const scored = [
      ...times(20, right, right),
      ...times(5, right, wrong('2')),
      ...times(10, wrong('1'), right),
      ...times(9, wrong('2'), wrong('2')),
      ...times(6, wrong('1'), wrong('2')),
    ];
    const { kappa, ...counts } = agreementOf([...scored, ...times(3, right, { verdict: 'error', step: null })]);
    expect(kappa).toBeCloseTo(0.4, 12);
    expect(counts).toEqual({
      feedbacks: 53,
      judged: 50,
      verdicts: { 'correct/correct': 20, 'correct/incorrect': 5, 'incorrect/correct': 10, 'incorrect/incorrect': 15 },
      sameVerdict: 35,
      bothIncorrect: 15,
      sameStep: 9,
    });
  });

  it('has no kappa where chance alone agrees fully, or nothing is there', () => {
    expect(agreementOf(times(7, right, right)).kappa).toBeNull();
    expect(agreementOf([]).kappa).toBeNull();
  });

  it('adds up, whatever the order', () => {
    fc.assert(
      fc.property(anyScored, (scored) => {
        const made = agreementOf(scored);
        const { judged, verdicts, sameVerdict, kappa, bothIncorrect, sameStep } = made;
        expect(Object.values(verdicts).reduce((sum, n) => sum + n, 0)).toBe(judged);
        expect((verdicts['correct/correct'] ?? 0) + bothIncorrect).toBe(sameVerdict);
        expect(sameStep).toBeLessThanOrEqual(bothIncorrect);
        expect(Math.abs(kappa ?? 0)).toBeLessThanOrEqual(1 + 1e-12);
        expect(sameVerdict === judged ? (kappa ?? 1) : 1).toBeCloseTo(1, 12);
        expect(agreementOf([...scored].reverse())).toEqual(made);
      }),
    );
  });
});
