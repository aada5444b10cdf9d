import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as E from 'fp-ts/Either';
import type { Json } from '../../events/digest';
import { comparableMetrics } from '../../projections/ablation/report';
import { parseYaml } from '../../projections/parseYaml';
import { closest } from '../../projections/policies/closest';
import { faultOf, Matrix, type Cell } from '../ablate/matrix';
import type { RunInput } from '../run/runContext';
import { stop, usage } from './faults';
import { readText } from './inputFile';
import { packageRoot } from './packageRoot';
import { loadInput, type Override } from './runConfig';

const shippedFolder = join(packageRoot, 'src', 'ablate', 'matrices');

/** The matrices that come with the package, by name. */
export const shippedMatrices = (): readonly string[] =>
  readdirSync(shippedFolder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();

/** A matrix by the name of a shipped one, or a file. */
export const matrixPath = (name: string): string => {
  const shipped = join(shippedFolder, `${name}.yaml`);
  if (/^[A-Za-z0-9._-]+$/.test(name) && existsSync(shipped)) return shipped;
  if (/[\\/]|\.(ya?ml|json)$/.test(name)) return resolve(name);
  const near = closest(name, shippedMatrices());
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  return stop({
    tag: 'UnknownName',
    message: `There is no matrix "${name}".${hint} A matrix is a YAML file, or one of ${shippedMatrices().join(', ')}.`,
  });
};

const pathKeys: ReadonlySet<string> = new Set(['base.from', 'base.policy', 'policy', 'task.name']);

/** What the command line names is relative to where the command is given; what a matrix names, to the matrix. */
const fromHere = (key: string, value: Json): Json =>
  pathKeys.has(key) && typeof value === 'string' && /[\\/]|\.(ya?ml|json)$/.test(value) ? resolve(value) : value;

/** Reads a matrix; `over` goes over the settings of every cell. */
export const loadMatrix = (path: string, over: readonly Override[]): Matrix => {
  const parsed = parseYaml(readText(path), Matrix);
  if (E.isLeft(parsed)) return stop({ tag: 'BadDocument', source: path, problems: parsed.left });
  const given = over.map(({ key, value }) => [key, value] as const);
  // What came from YAML is JSON.
  const isJson = (entry: readonly [string, unknown]): entry is readonly [string, Json] => entry[1] !== undefined;
  const set = given.filter(isJson).map(([key, value]) => [key, fromHere(key, value)] as const);
  const matrix = { ...parsed.right, set: new Map([...parsed.right.set, ...set]) };
  const fault = faultOf(matrix);
  if (fault !== undefined) usage(`${path}: ${fault}`);
  const unknown = matrix.metrics.find((metric) => !comparableMetrics.includes(metric));
  if (unknown !== undefined) {
    const near = closest(unknown, comparableMetrics);
    usage(
      `${path}: metrics: ${unknown} is no score of single items.${near === undefined ? '' : ` Did you mean "${near}"?`} ` +
        `They are ${comparableMetrics.join(', ')}.`,
    );
  }
  return matrix;
};

/** The config that every cell of a matrix starts from. */
const runPath = (path: string, matrix: Matrix): string => resolve(dirname(path), matrix.run);

/** The file to which the prompts of a cell's teacher are relative: the one that names them. */
export const promptsNamedIn =
  (path: string, matrix: Matrix) =>
  ({ settings }: Cell): string =>
    settings.some(([key]) => 'collect.editor.teacher.prompts'.startsWith(key)) ? path : runPath(path, matrix);

/** Makes the run of a cell: its settings over the matrix's config. Files that the matrix names are relative to it. */
export const cellLoader = (path: string, matrix: Matrix): ((cell: Cell) => RunInput) => {
  const folder = dirname(path);
  const run = runPath(path, matrix);
  return ({ arm, settings }) =>
    loadInput(
      run,
      settings.map(([key, value]) => ({ key, value, from: `${path}: arm ${arm.name}: ${key}` })),
      folder,
    );
};
