import * as fc from 'fast-check';
import type { Row } from '../../projections/replayDataset';
import { textOf } from '../../projections/replayDataset';
import { tokenizeRow } from '../../src/train/batches';
import { stepsOfRow, tokenView, weighTokens } from '../../src/train/tokenView';
import { loadTokenizer } from '../../src/train/tokenizer';
import { engineStep, plannedStep, planTraining } from '../../src/train/trainPlan';
import { must, the } from '../support/events';
import { config } from './tinyTraining';
import { ours } from './tokenizerFixtures';

const tokenizer = must(loadTokenizer(the(ours['words'])()));

const anyRow = (id: string): fc.Arbitrary<Row> =>
  fc.record({
    id: fc.constant(id),
    bucket: fc.constant('SI' as const),
    problemId: fc.constant(id),
    trajectoryId: fc.constant(null),
    iteration: fc.constant(1),
    sections: fc.array(
      fc.record({
        kind: fc.constantFrom('prompt' as const, 'attempt' as const, 'feedback' as const, 'improvement' as const),
        text: fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', '\nFeedback: Step (1) is correct.', 'é漢')),
        weight: fc.constantFrom(0, 0.1, 1, 1.5),
        eventId: fc.constant('e'),
        author: fc.constant(null),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    end: fc.boolean(),
  });
const anyRows = fc.tuple(anyRow('a'), anyRow('b'), anyRow('c'), anyRow('d'));

it('has the tokens and the texts of the row, each in the section that it came from', () => {
  fc.assert(
    fc.property(anyRow('a'), (row) => {
      const { tokens, sections } = tokenView(row, tokenizer);
      expect(tokens.map(({ id }) => id)).toEqual(tokenizeRow(row, tokenizer).ids);
      expect(tokenizer.decode(tokens.map(({ id }) => id))).toBe(textOf(row));
      for (const [i, { from, to }] of sections.entries()) {
        const own = tokens.slice(from, to);
        expect(own.every(({ section }) => section === i)).toBe(true);
        expect(tokenizer.decode(own.map(({ id }) => id))).toBe(row.sections[i]?.text);
      }
      const all = sections.reduce((sum, { from, to }) => sum + to - from, 0);
      expect(all).toBe(tokens.length);
    }),
  );
});

it.each([false, true])('has the weights that a step of the trainer is fed (packing %p)', (packing) => {
  fc.assert(
    fc.property(anyRows, fc.integer({ min: 1, max: 3 }), (rows, microBatch) => {
      const settings = { ...config, packing, microBatch, batchSize: 4, steps: 1, lengthMultiple: 8 };
      const plan = planTraining(
        rows.map((row) => tokenizeRow(row, tokenizer)),
        settings,
        1,
      );
      const step = engineStep(plan, settings, 1);
      if (step === undefined) return; // no token of any row has a weight: the trainer refuses the batch
      const views = rows.map((row) => tokenView(row, tokenizer));
      plannedStep(plan, 1).microBatches.forEach(({ lines, length }, part) => {
        const { ids, targets, weights } = the(step.input.microBatches[part]).feeds;
        lines.forEach((line, at) => {
          let place = at * length;
          for (const index of line) {
            const { tokens } = the(views[index]);
            for (const token of tokens.slice(1)) {
              expect(Number(ids?.data[place])).toBe(the(tokens[token.place - 1]).id);
              expect(Number(targets?.data[place])).toBe(token.id);
              expect(Number(weights?.data[place])).toBe(token.weight);
              place += 1;
            }
          }
        });
      });
      expect(views.every(({ tokens }) => tokens.length === 0 || tokens[0]?.weight === null)).toBe(true);
    }),
  );
});

it('sums weights by section as the view does', () => {
  fc.assert(
    fc.property(anyRow('a'), (row) => {
      const { sections, tokens } = tokenView(row, tokenizer);
      const weighed = weighTokens(tokenizer)(row);
      const sum = weighed.reduce((total, { weight }) => total + weight, 0);
      expect(sum).toBeCloseTo(
        sections.reduce((total, { weightSum }) => total + weightSum, 0),
        4,
      );
      expect(weighed.reduce((total, { units }) => total + units, 0)).toBe(Math.max(0, tokens.length - 1));
    }),
  );
});

it('scales by the normaliser of each recorded step, and sees where the tokens are not those recorded', () => {
  const row = (id: string, text: string, weight: number): Row => ({
    id,
    bucket: 'GT',
    problemId: id,
    trajectoryId: null,
    iteration: null,
    sections: [
      { kind: 'prompt', text: 'Q: ', weight: 0, eventId: 'e', author: null },
      { kind: 'attempt', text, weight, eventId: 'e', author: null },
    ],
    end: true,
  });
  const rows = [row('a', 'ant bee', 1), row('b', 'cat', 1.5), row('c', 'dog', 1)];
  const settings = { ...config, normaliser: 'weights' as const, batchSize: 2, steps: 6, heldOut: null };
  const plan = planTraining(
    rows.map((each) => tokenizeRow(each, tokenizer)),
    settings,
    3,
  );
  const made = plan.steps.map(({ batch }, i) => ({
    step: i + 1,
    rows: [...batch.rows],
    tokens: the(engineStep(plan, settings, i + 1)).tokens,
    loss: 1,
    lossBits: '',
    gradNorm: 1,
    gradNormBits: '',
    learningRate: 1,
    sections: {},
    heldOutLoss: null,
  }));
  const uses = [0, 1, 2].map((index) => stepsOfRow(index, rows, tokenizer, 'weights', made));
  // Six batches of two: a batch that spans two epochs may hold a row twice.
  expect(uses.flat().length).toBeGreaterThan(8);
  for (const { step } of made) {
    const shares = uses.flat().filter((use) => use.step === step);
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    const fed = the(engineStep(plan, settings, step)).input.microBatches[0]?.feeds['scale']?.data[0];
    for (const { scale, agrees } of shares) expect([Math.fround(scale), agrees]).toEqual([fed, true]);
  }
  const others = made.map((each) => ({ ...each, tokens: each.tokens + 1 }));
  expect(stepsOfRow(0, rows, tokenizer, 'weights', others).every(({ agrees }) => !agrees)).toBe(true);
});
