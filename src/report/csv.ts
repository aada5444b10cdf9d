import type { CellIteration } from '../../projections/ablation/report';
import type { ReportDocument } from '../../projections/ablation/reportDocument';
import { byText } from '../../projections/projection';

const head = ['ablation', 'arm', 'seed', 'iteration', 'metric', 'value', 'run', 'events', 'root'];

/** RFC 4180: quoted where needed, quotes doubled. */
const field = (value: string | number): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Every number that one iteration of a cell has, by name. */
export const measured = (of: CellIteration): readonly (readonly [string, number])[] => {
  const named = (prefix: string, values: object): readonly (readonly [string, unknown])[] =>
    Object.entries(values)
      .sort(([a], [b]) => byText(a, b))
      .map(([name, value]: readonly [string, unknown]) => [`${prefix}${name}`, value] as const);
  const last = of.curve.at(-1);
  const all: readonly (readonly [string, unknown])[] = [
    ...named('', of.scores),
    ...of.byAttempt.map((share, attempt) => [`accuracyAfterAttempt.${attempt}`, share] as const),
    ['dataset.rows', of.rows],
    ['dataset.candidates', of.derived?.candidates],
    ...named('dataset.byReason.', of.derived?.byReason ?? {}),
    ...named('dataset.byBucket.', of.derived?.byBucket ?? {}),
    ...named('cost.', of.cost ?? {}),
    ['training.steps', last === undefined ? undefined : of.curve.length],
    ['training.lastLoss', last?.loss],
    ...named('training.lastLoss.', last?.sections ?? {}),
  ];
  return all.flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : []));
};

/** One line for each arm, seed, iteration and metric (RFC 4180, lines end in CRLF); values as the JSON has them. */
export const csv = ({ report, ledger }: ReportDocument): string => {
  const rows = report.cells.flatMap(({ arm, seed, runId, iterations }) =>
    iterations.flatMap((of) =>
      measured(of).map(([metric, value]) => [
        report.ablationId,
        arm,
        seed,
        of.iteration,
        metric,
        value,
        runId,
        ledger.size,
        ledger.root,
      ]),
    ),
  );
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
};
