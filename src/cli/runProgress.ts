import type { RunProgress } from '../run/runContext';
import type { Step } from './progress';
import { inOrder } from './inOrder';

const iterationName = (iteration: number): string => (iteration === 0 ? 'base' : `iteration ${iteration}`);

type Of<Phase extends RunProgress['phase']> = Extract<RunProgress, { readonly phase: Phase }>;

const noted = (progress: Of<'pose' | 'derive' | 'seal'>): Omit<Step, 'phase'> => {
  return { done: 0, total: 0, unit: '', detail: progress.detail };
};

/** One line per phase; a phase without one does not compile. */
const steps: { readonly [Phase in RunProgress['phase']]: (progress: Of<Phase>) => Omit<Step, 'phase'> } = {
  pose: noted,
  derive: noted,
  seal: noted,
  collect: ({ progress: { done, total, newCalls, reusedCalls, outcomes } }) => {
    const facts = [`${newCalls} calls`, ...(reusedCalls > 0 ? [`${reusedCalls} reused`] : [])];
    for (const [outcome, n] of inOrder(outcomes)) facts.push(`${outcome} ${n}`);
    return { done, total, unit: 'trajectories', detail: facts.join(', ') };
  },
  train: ({ step: { step, loss, tokens, sections, gradNorm, learningRate, heldOutLoss }, steps: total }) => {
    const kinds = inOrder(sections).map(([kind, section]) => `${kind} ${section.loss.toFixed(3)}`);
    const facts = [
      `loss ${loss.toFixed(4)}${kinds.length > 1 ? ` (${kinds.join(', ')})` : ''}`,
      `norm ${gradNorm.toPrecision(3)}`,
      `lr ${learningRate.toPrecision(3)}`,
      ...(heldOutLoss === null ? [] : [`held out ${heldOutLoss.toFixed(4)}`]),
    ];
    return { done: step, total, unit: 'steps', detail: facts.join(', '), tokens };
  },
  trained: ({ steps: total, reusedSteps }) => {
    const detail = `${total} steps${reusedSteps > 0 ? `, ${reusedSteps} of them from the ledger` : ''}`;
    return { done: 0, total: 0, unit: '', detail };
  },
  evaluate: ({ done, total }) => ({ done, total, unit: 'problems', detail: '' }),
};

const stepOf = <Phase extends RunProgress['phase']>(phase: Phase, progress: Of<Phase>): Step => ({
  phase,
  ...steps[phase](progress),
});

/** What the loop says of itself, as a progress line. */
export const progressStep = (progress: RunProgress): Step => {
  const step = stepOf(progress.phase, progress);
  return { ...step, phase: `${iterationName(progress.iteration)}, ${step.phase}` };
};
