import * as t from 'io-ts';
import { Count, JsonValue } from './codecs';
import { defineEvent } from './defineEvent';

const Cell = t.strict(
  {
    arm: t.string,
    seed: Count,
    runId: t.string,
    /** How many iterations of the run belong to the cell: cells may share a run. */
    iterations: Count,
  },
  'AblationCell',
);
export type AblationCell = t.TypeOf<typeof Cell>;

const V1 = t.strict(
  {
    ablationId: t.string,
    name: t.string,
    /** The matrix as it was given, every default filled in. */
    matrix: JsonValue,
    /** The settings in which arms may differ, by dotted key. */
    vary: t.array(t.string),
    baseline: t.string,
    cells: t.array(Cell),
  },
  'AblationStarted@1',
);
export type AblationStarted = t.TypeOf<typeof V1>;

/** A comparison begins: which runs stand for which arm under which seed. Its results are a projection of these runs. */
export const ablationStarted = defineEvent('AblationStarted', V1, {
  stream: (d) => `ablation-${d.ablationId}`,
  identity: (d) => [d.ablationId],
});
