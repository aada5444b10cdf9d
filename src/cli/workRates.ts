import * as E from 'fp-ts/Either';
import type { RecordedEvent } from '../../events/envelope';
import { decodeEvent } from '../../events/index';
import type { Work } from '../ablate/plan';
import type { EventLog } from '../ports/eventLog';

/** Seconds of one unit of work as this ledger has seen it: a first call, a test problem, an optimizer step. */
export type WorkRates = Readonly<Partial<Record<Work['kind'], number>>>;

interface Spent {
  seconds: number;
  units: number;
}

/** How many optimizer steps or test problems an event is of. */
const unitsOf = (recorded: RecordedEvent): number => {
  const event = decodeEvent(recorded);
  if (E.isLeft(event)) return 0;
  if (event.right.type === 'StepRecorded') return event.right.data.steps.length;
  return event.right.type === 'EvaluationRecorded' ? event.right.data.items.length : 0;
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
  for await (const event of log.readAll()) {
    const { type, stream, meta, recordedAt } = event;
    const at = Date.parse(recordedAt);
    if (type === 'CollectionStarted' || type === 'TrainingStarted') begun.set(stream, at);
    if (type === 'TrajectoryClosed') {
      const collection = `collection-${meta.correlation ?? ''}`;
      add(spent.collect, begun.get(collection) ?? at, at, 1);
      begun.set(collection, at);
    }
    if (type === 'StepRecorded') {
      add(spent.train, begun.get(stream) ?? at, at, unitsOf(event));
      begun.set(stream, at);
    }
    if (type === 'EvaluationRecorded') add(spent.evaluate, before ?? at, at, unitsOf(event));
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
