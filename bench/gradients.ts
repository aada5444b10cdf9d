import { ortRuntime } from '../src/adapters/onnxruntime/tensorRuntime';
import { rules } from '../src/autodiff/rules';
import { parametersOf } from '../src/train/modelShape';
import { gradientGraph } from '../src/train/trainGraph';
import { parameterInput } from '../src/train/transformer';
import { checkDirections, checkRule } from '../test/support/directionalCheck';
import {
  batchFeeds,
  goldenNames,
  gradientErrors,
  parameterFeeds,
  plainForm,
  readGoldenModel,
} from '../test/support/goldenModel';
import { fromTensor } from '../test/support/plainTensor';

// The gradient check as a table: each rule in double against finite differences, then the whole model against finite
// differences and against PyTorch. Exits with 1 where an error is above its tolerance.

const seeds = [1, 2, 3, 4, 5];
const tolerance = { rule: 1e-6, model: 1e-6, float32: 5e-6 };

let failed = 0;

const print = (columns: readonly (string | number)[], widths: readonly number[]): void =>
  console.log(
    columns
      .map((column, i) => String(column).padEnd(widths[i] ?? 0))
      .join(' ')
      .trimEnd(),
  );

/** The error in two digits, marked where it is too large. */
const shown = (error: number, allowed: number): string => {
  if (error < allowed) return error.toExponential(1);
  failed++;
  return `${error.toExponential(1)} > ${allowed.toExponential(0)}`;
};

const ruleTable = (): void => {
  const widths = [24, 6, 9, 7];
  console.log(`Rules: double, central differences of order 4, ${seeds.length} random directions per example and input`);
  print(['operator', 'opset', 'examples', 'checks', 'largest relative error'], widths);
  for (const rule of rules) {
    const checks = rule.examples.flatMap((example) => seeds.flatMap((seed) => checkRule(rule, example, seed)));
    const worst = Math.max(...checks.map(({ error }) => error));
    print([rule.op, rule.since, rule.examples.length, checks.length, shown(worst, tolerance.rule)], widths);
  }
};

const modelTable = async (name: (typeof goldenNames)[number]): Promise<void> => {
  const golden = readGoldenModel(name);
  const { shape, batch, length } = golden;
  const fed = { ...batchFeeds(golden), ...parameterFeeds(shape, golden.weights) };
  const feeds = Object.fromEntries(Object.entries(fed).map(([input, tensor]) => [input, fromTensor(tensor)]));
  const names = parametersOf(shape).map((parameter) => parameter.name);
  const gradientName = new Map(names.map((parameter) => [parameterInput(parameter), `grad:${parameter}`]));
  const graph = gradientGraph(shape, { ...plainForm, microBatch: batch }, length);
  const differences = checkDirections(
    graph,
    feeds,
    [...gradientName.keys()],
    5,
    1e-4,
    (input) => gradientName.get(input) ?? input,
  );
  const { loss, parameters } = await gradientErrors(ortRuntime({ device: 'cpu', threads: 2, spin: true }), golden);

  const widths = [50, 22];
  console.log(
    `\nWhole model, ${name}: ${shape.layers} layers, ${shape.heads} heads on ${shape.kvHeads}; golden: ${golden.madeBy}`,
  );
  print(['parameter', 'double v differences', 'float32 v PyTorch'], widths);
  print(['(loss)', '', shown(loss, tolerance.float32)], widths);
  parameters.forEach(({ name: parameter, error }, i) => {
    const difference = differences[i]?.error ?? Number.NaN;
    print([parameter, shown(difference, tolerance.model), shown(error, tolerance.float32)], widths);
  });
};

const main = async (): Promise<void> => {
  ruleTable();
  for (const name of goldenNames) await modelTable(name);
  console.log(failed === 0 ? '\nAll gradients agree.' : `\n${failed} errors above tolerance.`);
  process.exitCode = failed === 0 ? 0 : 1;
};

void main();
