import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelGiven } from '../../events/labelGiven';
import { callFailed } from '../../events/callFailed';
import { generationProduced, notAsked } from '../../events/generationProduced';
import { stepRecorded } from '../../events/stepRecorded';
import { definitionOf } from '../../events/index';
import { iterationStarted } from '../../events/iterationStarted';
import { trainingCompleted } from '../../events/trainingCompleted';
import { must } from '../support/events';
import { examples } from '../support/examples';
import { fixtures } from '../support/golden';

/** The data of an event as it was written once. */
const written = (name: string): unknown => {
  const { data }: { readonly data: unknown } = JSON.parse(readFileSync(join(fixtures, 'events', name), 'utf8'));
  return data;
};

describe('an old event', () => {
  it('StepRecorded@1: its steps have no losses by section and none on rows held out', () => {
    const { steps, ...rest } = examples.StepRecorded;
    expect(must(stepRecorded.decode(1, written('StepRecorded.v1.json')))).toEqual({
      ...rest,
      steps: steps.map((step) => ({ ...step, sections: {}, heldOutLoss: null })),
    });
  });

  it('TrainingCompleted@1: the weights are those behind its last step', () => {
    expect(must(trainingCompleted.decode(1, written('TrainingCompleted.v1.json')))).toEqual({
      ...examples.TrainingCompleted,
      chosenStep: examples.TrainingCompleted.steps,
    });
  });

  it.each(['GenerationProduced', 'TrajectoryClosed'] as const)(
    '%s@1: its collection is that of its run and iteration',
    (type) => {
      const sinceThen = type === 'GenerationProduced' ? notAsked : {};
      expect(must(definitionOf(type).decode(1, written(`${type}.v1.json`)))).toEqual({
        ...examples[type],
        ...sinceThen,
      });
    },
  );

  it.each([2, 3])('GenerationProduced@%d: nobody was asked over a wire', (version) => {
    expect(must(generationProduced.decode(version, written(`GenerationProduced.v${version}.json`)))).toEqual({
      ...examples.GenerationProduced,
      ...notAsked,
    });
  });

  const noKey = { callKey: null, reusedFrom: null };

  it('CallFailed@3: its call had no identity yet', () => {
    expect(must(callFailed.decode(3, written('CallFailed.v3.json')))).toEqual({ ...examples.CallFailed, ...noKey });
  });

  it.each([1, 2])('CallFailed@%d: what it does not tell is not known', (version) => {
    const unknown = {
      author: null,
      model: null,
      status: null,
      retryAfterMs: null,
      request: null,
      response: null,
      ...noKey,
    };
    expect(must(callFailed.decode(version, written(`CallFailed.v${version}.json`)))).toEqual({
      ...examples.CallFailed,
      ...unknown,
    });
  });

  it('IterationStarted@1: what it collected is that of its run and iteration', () => {
    expect(must(iterationStarted.decode(1, written('IterationStarted.v1.json')))).toEqual(examples.IterationStarted);
  });

  it.each(['TrainingStarted', 'EvaluationRecorded'] as const)('%s@1: its run is no part of it', (type) => {
    expect(must(definitionOf(type).decode(1, written(`${type}.v1.json`)))).toEqual(examples[type]);
    expect(written(`${type}.v1.json`)).toHaveProperty('runId', 'run-1');
  });

  it('DatasetDerived@1: names neither problem set nor tokenizer', () => {
    const { scope, ...rest } = examples.DatasetDerived;
    expect(must(definitionOf('DatasetDerived').decode(1, written('DatasetDerived.v1.json')))).toEqual({
      ...rest,
      scope: { ...scope, problemSet: null },
      tokenizer: null,
    });
  });

  it('LabelGiven@1: it takes the place of no other label', () => {
    expect(must(labelGiven.decode(1, written('LabelGiven.v1.json')))).toEqual({
      ...examples.LabelGiven,
      supersedes: null,
    });
  });

  it('is the same fact as the new one that says it', () => {
    const [steps, receipt] = ['StepRecorded.v1.json', 'TrainingCompleted.v1.json'].map(written);
    expect(stepRecorded.idOf(must(stepRecorded.decode(1, steps)))).toBe(stepRecorded.idOf(examples.StepRecorded));
    expect(trainingCompleted.idOf(must(trainingCompleted.decode(1, receipt)))).toBe(
      trainingCompleted.idOf(examples.TrainingCompleted),
    );
  });
});
