import { attemptMade } from '../../events/attemptMade';
import { feedbackGiven } from '../../events/feedbackGiven';
import { generationProduced } from '../../events/generationProduced';
import { trajectoryClosed } from '../../events/trajectoryClosed';
import type { NewEvent } from '../../events/envelope';
import type { EventLog } from '../../src/ports/eventLog';
import { must, the } from './events';
import { examples } from './examples';

/** The events of one small trajectory, with all that `verify` checks in order. */
export const trajectoryOf = (trajectoryId: string, text = 'So the answer is 2.'): readonly NewEvent[] => [
  generationProduced.create({ ...examples.GenerationProduced, trajectoryId, text }, { correlation: 'run-1' }),
  attemptMade.create({ ...examples.AttemptMade, trajectoryId, text }),
  feedbackGiven.create({ ...examples.FeedbackGiven, trajectoryId }, {}, { latencyMs: 12 }),
  trajectoryClosed.create({ ...examples.TrajectoryClosed, trajectoryId }),
];

/** Fills a log with interleaved trajectories, `perRound` at a time; every event is an append of its own. */
export const fill = async (log: EventLog, trajectories: number, perRound = 3): Promise<void> => {
  const names = Array.from({ length: trajectories }, (_, i) => `t${i}`);
  for (let from = 0; from < trajectories; from += perRound) {
    const round = names.slice(from, from + perRound);
    // Every third has a text that fills more than a page of the file.
    const events = round.map((name, i) =>
      trajectoryOf(name, i % 3 === 2 ? 'long '.repeat(4000) : 'So the answer is 2.'),
    );
    for (let step = 0; step < 4; step++) {
      for (const [i, name] of round.entries()) {
        const expected = step === 0 ? 'noStream' : step - 1;
        must(await log.append(`trajectory-${name}`, expected, [the(events[i]?.[step])])());
      }
    }
  }
};
