import type { RunProgress } from '../run/run';
import type { Step } from './progress';

const iterationName = (iteration: number): string => (iteration === 0 ? 'base' : `iteration ${iteration}`);

/** What the loop says of itself, as a progress line. */
export const progressStep = (progress: RunProgress): Step => {
  const of = iterationName(progress.iteration);
  switch (progress.phase) {
    case 'pose':
    case 'derive':
    case 'seal':
      return { phase: `${of}, ${progress.phase}`, done: 0, total: 0, unit: '', detail: progress.detail };
    case 'collect': {
      const { done, total, newCalls, reusedCalls, outcomes } = progress.progress;
      const facts = [`${newCalls} calls`, ...(reusedCalls > 0 ? [`${reusedCalls} reused`] : [])];
      for (const [outcome, n] of Object.entries(outcomes).sort()) facts.push(`${outcome} ${n}`);
      return { phase: `${of}, collect`, done, total, unit: 'trajectories', detail: facts.join(', ') };
    }
    case 'train': {
      const { step, loss, tokens } = progress.step;
      const detail = `loss ${loss.toFixed(4)}, ${tokens} tokens`;
      return { phase: `${of}, train`, done: step, total: progress.steps, unit: 'steps', detail };
    }
    case 'trained': {
      const { steps, reusedSteps } = progress;
      const detail = `${steps} steps${reusedSteps > 0 ? `, ${reusedSteps} of them from the ledger` : ''}`;
      return { phase: `${of}, trained`, done: 0, total: 0, unit: '', detail };
    }
    case 'evaluate':
      return { phase: `${of}, evaluate`, done: progress.done, total: progress.total, unit: 'problems', detail: '' };
  }
};
