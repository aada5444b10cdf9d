import type { EventLog } from '../ports/eventLog';
import type { Work } from '../ablate/plan';

/** Seconds of one unit of work as this ledger has seen it: a first call, a test problem, an optimizer step. */
export type WorkRates = Readonly<Partial<Record<Work['kind'], number>>>;

interface Spent {
  seconds: number;
  units: number;
}

const numberAt = (data: unknown, ...path: readonly string[]): number => {
  let value: unknown = data;
  for (const key of path)
    value =
      typeof value === 'object' && value !== null ? Object.entries(value).find(([k]) => k === key)?.[1] : undefined;
  return typeof value === 'number' ? value : Array.isArray(value) ? value.length : 0;
};

/**
 * What work took, from the times at which its events were recorded: a collection from its start to its last closing, steps
 * from the training's start or the steps before, an evaluation from the event before it. A stop in between makes a rate
 * too slow, never too fast.
 */
export const measuredRates = async (log: EventLog): Promise<WorkRates> => {
  const spent = {
    collect: { seconds: 0, units: 0 },
    train: { seconds: 0, units: 0 },
    evaluate: { seconds: 0, units: 0 },
  };
  const add = (to: Spent, from: number, until: number, units: number): void => {
    to.seconds += Math.max(0, until - from) / 1000;
    to.units += units;
  };
  const begun = new Map<string, number>();
  let before: number | undefined;
  for await (const { type, stream, data, meta, recordedAt } of log.readAll()) {
    const at = Date.parse(recordedAt);
    if (type === 'CollectionStarted' || type === 'TrainingStarted') begun.set(stream, at);
    if (type === 'TrajectoryClosed') {
      const collection = `collection-${meta.correlation ?? ''}`;
      add(spent.collect, begun.get(collection) ?? at, at, 1);
      begun.set(collection, at);
    }
    if (type === 'StepRecorded') {
      add(spent.train, begun.get(stream) ?? at, at, numberAt(data, 'steps'));
      begun.set(stream, at);
    }
    if (type === 'EvaluationRecorded') add(spent.evaluate, before ?? at, at, numberAt(data, 'items'));
    before = at;
  }
  const rate = ({ seconds, units }: Spent): number | undefined => (units === 0 ? undefined : seconds / units);
  const [collect, train, evaluate] = [rate(spent.collect), rate(spent.train), rate(spent.evaluate)];
  return {
    ...(collect === undefined ? {} : { collect }),
    ...(train === undefined ? {} : { train, base: train }),
    ...(evaluate === undefined ? {} : { evaluate }),
  };
};
