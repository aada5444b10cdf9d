import type { FigureOf } from '../figure';
import { iterationName } from '../reportTable';

/** The digests behind the numbers: what `trace`, `verify` and `reproduce` take. */
export const provenance: FigureOf = ({ report }) => ({
  id: 'provenance',
  title: 'What the numbers are of',
  text: 'The run, dataset, checkpoint and evaluation of every cell. tripost reproduce makes any of them again, tripost trace tells where it came from.',
  pictures: [],
  legend: null,
  tables: [
    {
      id: 'provenance',
      title: 'Runs and digests',
      notes: [],
      labels: 7,
      head: ['arm', 'seed', 'iteration', 'run', 'dataset', 'checkpoint', 'evaluation'],
      rows: report.cells.flatMap(({ arm, seed, runId, iterations }) =>
        iterations.map(({ iteration, dataset, checkpoint, evaluation }) => [
          arm,
          String(seed),
          iterationName(iteration),
          runId,
          dataset ?? '-',
          checkpoint,
          evaluation,
        ]),
      ),
    },
  ],
});
