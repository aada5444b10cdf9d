import * as E from 'fp-ts/Either';
import { parseYaml } from '../../projections/parseYaml';
import { armSettings, metricsOf } from '../../projections/ablation/matrixDocument';
import { armsOf, cellsOf, Matrix, matrixJson } from '../../src/ablate/matrix';
import { examples } from '../support/examples';

const recorded = (yaml: string) => {
  const parsed = parseYaml(yaml, Matrix);
  if (E.isLeft(parsed)) throw new Error(JSON.stringify(parsed.left));
  const matrix = parsed.right;
  const cells = cellsOf(matrix).map(({ arm, seed }) => ({
    arm: arm.name,
    seed,
    runId: `${arm.name} ${seed}`,
    iterations: 1,
  }));
  return { matrix, started: { ...examples.AblationStarted, matrix: matrixJson(matrix), cells } };
};

describe('the settings of a recorded matrix', () => {
  it.each([
    ['arms', 'arms: { a: { policy: x }, b: { policy: y, train.steps: 3 } }\nvary: [policy, train]'],
    ['axes', 'axes: { policy.balance.ratio: [0.05, 0.43], train.steps: [1, 2, 3] }\nvary: [policy, train]'],
    ['both', 'arms: { a: { policy: x }, b: { policy: y } }\naxes: { train.steps: [2, 1] }\nvary: [policy, train]'],
  ])('are those that made its arms: %s', (_, body) => {
    const { matrix, started } = recorded(`ablation: 1\nname: m\nrun: none\nseeds: [1, 2]\n${body}`);
    const wanted = armsOf(matrix).map(({ name, settings }) => ({ arm: name, settings: [...settings] }));
    expect(wanted.length).toBeGreaterThan(1);
    expect(armSettings(started)).toEqual(wanted);
    expect(metricsOf(started)).toEqual(['accuracy.total']);
  });

  it('are the metrics that it names, too', () => {
    const { started } = recorded(
      'ablation: 1\nname: m\nrun: none\nseeds: [1]\narms: { a: { policy: x }, b: { policy: y } }\nmetrics: [siFrequency.seen, accuracy.total]',
    );
    expect(metricsOf(started)).toEqual(['siFrequency.seen', 'accuracy.total']);
  });

  it('are not known where the document is of another make: arms stay, with nothing', () => {
    expect(armSettings(examples.AblationStarted)).toEqual([{ arm: 'tripost', settings: [] }]);
    expect(metricsOf(examples.AblationStarted)).toEqual(['accuracy.total']);
  });
});
