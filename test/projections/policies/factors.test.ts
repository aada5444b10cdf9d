import { labelGiven } from '../../../events/labelGiven';
import { deriveDataset } from '../../../projections/deriveDataset';
import { addTrajectory, LedgerBuilder, pose, sum } from '../../support/builders';
import { policyOf } from '../policyFiles';

const ledger = new LedgerBuilder();
pose(ledger, sum(1));
pose(ledger, sum(2));
addTrajectory(ledger, { sum: sum(1), says: [1, 2, 11] });
const praised = addTrajectory(ledger, { sum: sum(2), says: [22], attemptAuthor: 'teacher' });
const event = ledger.events.find((e) => e.type === 'FeedbackGiven' && e.data.trajectoryId === praised);
ledger.add(labelGiven, { eventId: event?.id ?? '', label: 'fine', value: true, by: 'ana', supersedes: null });

/** Kind of the row, then the weights of its sections. */
const weights = (settings: string) =>
  deriveDataset(ledger.events, policyOf(`{ policy: 1, name: x, ${settings} }`), { seed: 1 }).rows.map(
    ({ bucket, sections }) => [bucket, ...sections.map(({ weight }) => weight)],
  );

it('without factors a section has the weight of its kind', () => {
  expect(weights('weights: { SI: { feedback: 1.5 } }')).toEqual([
    ['SI', 1, 1, 1.5, 1],
    ['SI', 1, 1, 1.5, 1],
    ['T', 1, 1, 1],
    ['T', 1, 1, 1],
  ]);
});

it('multiply the weight of the sections that they name', () => {
  expect(weights('weights: { SI: { feedback: 1.5 } }, factors: [{ times: 2, sections: feedback, kinds: SI }]')).toEqual(
    [
      ['SI', 1, 1, 3, 1],
      ['SI', 1, 1, 3, 1],
      ['T', 1, 1, 1],
      ['T', 1, 1, 1],
    ],
  );
});

it('know what answers right, and of feedback what it judges', () => {
  expect(weights('factors: [{ times: 0, answer: wrong }]')).toEqual([
    ['SI', 1, 0, 0, 0],
    ['SI', 1, 0, 0, 1],
    ['T', 1, 1, 1],
    ['T', 1, 1, 1],
  ]);
  expect(weights('factors: [{ times: 3, answer: right, sections: improvement }]')[1]).toEqual(['SI', 1, 1, 1, 3]);
});

it('know authors and labels, and all that holds counts', () => {
  expect(weights('factors: [{ times: 4, authors: teacher }, { times: 0.5, label: fine }]')).toEqual([
    ['SI', 1, 1, 1, 1],
    ['SI', 1, 1, 1, 1],
    ['T', 1, 1, 1],
    ['T', 0.5, 2, 0.5],
  ]);
  expect(weights('factors: [{ times: 4, label: fine }], admit: { labelsBy: ben }')[3]).toEqual(['T', 1, 1, 1]);
});

it('take no row and no decision away', () => {
  const policies = ['', 'factors: [{ times: 0 }]'].map((text) => policyOf(`{ policy: 1, name: x, ${text} }`));
  const [plain, masked] = policies.map((policy) => deriveDataset(ledger.events, policy, { seed: 1 }));
  expect(masked?.manifest.decisions).toBe(plain?.manifest.decisions);
  expect(masked?.manifest.dataset).not.toBe(plain?.manifest.dataset);
});
