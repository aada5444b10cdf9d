import * as fc from 'fast-check';
import { checkpointWritten } from '../../events/checkpointWritten';
import { sha256 } from '../../events/digest';
import { trainingCompleted } from '../../events/trainingCompleted';
import { resumeStates } from '../../projections/resumeStates';
import { environment, LedgerBuilder } from '../support/builders';

const digest = sha256('x');

interface Act {
  readonly training: string;
  readonly does: 'state' | 'complete';
  readonly state: number;
}

const ledgerOf = (acts: readonly Act[]): LedgerBuilder => {
  const ledger = new LedgerBuilder();
  acts.forEach(({ training, does, state }, step) => {
    const optimizer = sha256(`state ${state}`);
    if (does === 'state')
      ledger.add(checkpointWritten, {
        checkpoint: digest,
        trainingId: training,
        step,
        kind: 'resume',
        files: { 'state.safetensors': optimizer },
        weights: digest,
        optimizer,
      });
    else
      ledger.add(trainingCompleted, {
        trainingId: training,
        dataset: digest,
        configDigest: digest,
        base: digest,
        steps: step,
        chosenStep: step,
        firstLoss: 1,
        lastLoss: 1,
        fingerprints: digest,
        weights: digest,
        checkpoint: digest,
        environment,
      });
  });
  return ledger;
};

const act = fc.record<Act>({
  training: fc.constantFrom('a', 'b', 'c'),
  does: fc.constantFrom('state', 'state', 'state', 'complete'),
  state: fc.nat(9),
});

describe('resume states', () => {
  it('are needed where they are the last two of a training that is not complete, and over otherwise', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        // A complete training writes nothing more.
        const ended = new Set<string>();
        const lawful = acts.filter(({ training, does }) => {
          const isOver = ended.has(training);
          if (does === 'complete') ended.add(training);
          return !isOver;
        });
        const { needed, over } = resumeStates(ledgerOf(lawful).events);
        for (const training of ['a', 'b', 'c']) {
          const written = lawful.filter((each) => each.training === training && each.does === 'state');
          const digests = written.map(({ state }) => sha256(`state ${state}`));
          const last = ended.has(training) ? [] : digests.slice(-2);
          expect(last.filter((each) => !needed.has(each))).toEqual([]);
          expect([...(over.get(training) ?? [])].sort()).toEqual(
            [...new Set(digests)].filter((each) => !needed.has(each)).sort(),
          );
        }
      }),
    );
  });

  it('never take a file of a student with them', () => {
    const ledger = ledgerOf([
      { training: 'a', does: 'state', state: 1 },
      { training: 'a', does: 'complete', state: 0 },
    ]);
    const shared = sha256('state 1');
    expect(resumeStates(ledger.events).over.get('a')).toEqual([shared]);
    ledger.add(checkpointWritten, {
      checkpoint: digest,
      trainingId: null,
      step: 0,
      kind: 'imported',
      files: { 'model.safetensors': shared },
      weights: shared,
      optimizer: null,
    });
    expect(resumeStates(ledger.events).over.get('a')).toEqual([]);
  });
});
