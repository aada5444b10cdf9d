import * as E from 'fp-ts/Either';
import { parseYaml } from '../../projections/parseYaml';
import { armsOf, cellsOf, faultOf, Matrix, matrixJson, variedBy } from '../../src/ablate/matrix';
import { canonicalJson } from '../../events/digest';

const parse = (text: string): Matrix => {
  const parsed = parseYaml(`ablation: 1\nname: m\nrun: run.yaml\n${text}`, Matrix);
  if (E.isLeft(parsed)) throw new Error(parsed.left.map((p) => `${p.line} ${p.path}: ${p.message}`).join('\n'));
  return parsed.right;
};

const problems = (text: string): readonly string[] => {
  const parsed = parseYaml(`ablation: 1\nname: m\nrun: run.yaml\n${text}`, Matrix);
  return E.isLeft(parsed) ? parsed.left.map((p) => `${p.line} ${p.path}: ${p.message}`) : [];
};

describe('a matrix', () => {
  it('has every listed arm with every combination of the axes, in order', () => {
    const matrix = parse(
      'arms: { a: { policy: tripost }, b: { policy: star } }\naxes: { train.steps: [10, 20], iterations: [1, 2] }\nseeds: [3, 1]',
    );
    expect(armsOf(matrix).map((arm) => arm.name)).toEqual(
      ['a', 'b'].flatMap((arm) =>
        [10, 20].flatMap((steps) => [1, 2].map((n) => `${arm} train.steps=${steps} iterations=${n}`)),
      ),
    );
    const cells = cellsOf(matrix);
    expect(cells).toHaveLength(16);
    expect(cells.map((cell) => cell.seed)).toEqual([
      ...Array.from({ length: 8 }, () => 3),
      ...Array.from({ length: 8 }, () => 1),
    ]);
    expect(cells[1]?.settings).toEqual([
      ['policy', 'tripost'],
      ['train.steps', 10],
      ['iterations', 2],
      ['seed', 3],
    ]);
  });

  it('names arms by their values where none is listed', () => {
    const matrix = parse(
      'set: { iterations: 1 }\naxes: { policy: [tripost, star] }\nseeds: [1]\nseedKeys: [seed, base.seed]',
    );
    expect(armsOf(matrix).map((arm) => arm.name)).toEqual(['policy=tripost', 'policy=star']);
    expect(variedBy(matrix)).toEqual(['policy']);
    expect(cellsOf(matrix)[1]?.settings).toEqual([
      ['iterations', 1],
      ['policy', 'star'],
      ['base.seed', 1],
      ['seed', 1],
    ]);
    expect(canonicalJson(matrixJson(matrix))).toContain('"axes":[["policy",["tripost","star"]]]');
  });

  it.each([
    ['seeds: [1, 2, 1]\narms: { a: { policy: x }, b: { policy: y } }', '4 seeds.2: 1 is listed twice'],
    ['seeds: []', '4 seeds: expected a list of a whole number from 0, got []'],
    ['seeds: [1]\naxis: { policy: [a, b] }', '5 axis: unknown key "axis". Did you mean "axes"?'],
    [
      'seeds: [1]\naxes: { "train steps": [1] }',
      '5 axes.train steps: expected a dotted key such as train.steps, got "train steps"',
    ],
    ['seeds: [1]\narms: [a]', '5 arms: expected a mapping to'],
  ])('refuses %j with its line', (text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  it.each([
    ['arms: { a: { policy: x } }', 'at least two arms'],
    ['arms: { a: { policy: x }, b: { policy: y } }\nbaseline: c', 'there is no arm "c"; the arms are a, b'],
    ['arms: { a: { policy: x }, b: { policy: y } }\naxes: { policy: [z] }', 'axes.policy: arms set it too'],
    ['arms: { a: { seed: 1 }, b: { seed: 2 } }', 'seed takes the seed'],
    ['arms: { a: { policy: x, train.steps: 3 }, b: { policy: y } }', 'vary: the arms set policy, train.steps'],
  ])('%j: %s', (text, message) => {
    expect(faultOf(parse(`seeds: [1]\n${text}`))).toContain(message);
  });

  it('may vary in two settings where it says so', () => {
    const matrix = parse(
      'seeds: [1]\narms: { a: { policy: x, train.steps: 3 }, b: { policy: y } }\nvary: [train, policy]',
    );
    expect(faultOf(matrix)).toBeUndefined();
    expect(variedBy(matrix)).toEqual(['policy', 'train']);
  });
});
