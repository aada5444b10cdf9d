import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { JsonValue } from '../../events/codecs';
import type { AblationStarted } from '../../events/ablationStarted';
import type { Json } from '../../events/digest';

/** The settings that make an arm, in the order of the matrix; empty where they are not known. */
export interface ArmSettings {
  readonly arm: string;
  readonly settings: readonly (readonly [string, Json])[];
}

const Pair = t.tuple([t.string, JsonValue]);
const Recorded = t.type(
  {
    arms: t.array(t.tuple([t.string, t.array(Pair)])),
    axes: t.array(t.tuple([t.string, t.array(JsonValue)])),
    metrics: t.array(t.string),
  },
  'RecordedMatrix',
);

/** The metrics that the matrix of an ablation asks for; accuracy where its document does not say. */
export const metricsOf = ({ matrix }: AblationStarted): readonly string[] => {
  const recorded = Recorded.decode(matrix);
  return E.isRight(recorded) && recorded.right.metrics.length > 0 ? recorded.right.metrics : ['accuracy.total'];
};

/**
 * What every arm of a recorded matrix sets: the listed arms, each with every combination of the axes, the last axis
 * fastest. Cells are recorded in that order, so arms are matched by place.
 */
export const armSettings = ({ matrix, cells }: AblationStarted): readonly ArmSettings[] => {
  const arms = [...new Set(cells.map(({ arm }) => arm))];
  const recorded = Recorded.decode(matrix);
  if (E.isLeft(recorded)) return arms.map((arm) => ({ arm, settings: [] }));
  const { arms: listed, axes } = recorded.right;
  const combined = axes.reduce<readonly (readonly (readonly [string, Json])[])[]>(
    (made, [key, values]) => made.flatMap((before) => values.map((value) => [...before, [key, value] as const])),
    [[]],
  );
  const own = listed.length > 0 ? listed.map(([, settings]) => settings) : [[]];
  const all = own.flatMap((settings) => combined.map((values) => [...settings, ...values]));
  return arms.map((arm, i) => ({ arm, settings: all.length === arms.length ? (all[i] ?? []) : [] }));
};
