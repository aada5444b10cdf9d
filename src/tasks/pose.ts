import type { Json } from '../../events/digest';
import type { GeneratedProblem, Problem, Task } from './task';

export interface Counts {
  readonly train: number;
  readonly testSeen: number;
  readonly testUnseen: number;
}

export interface PosedProblems {
  readonly train: readonly GeneratedProblem[];
  readonly testSeen: readonly GeneratedProblem[];
  readonly testUnseen: readonly GeneratedProblem[];
}

export type Posed =
  | { readonly ok: true; readonly problems: PosedProblems }
  | { readonly ok: false; readonly message: string };

/** What makes two problems the same; a word list is the same in any order of its words. */
const identityOf = ({ question, options }: Problem): string =>
  `${question}\n${options?.startsWith('List: ') ? options.split(' ').sort().join(' ') : (options ?? '')}`;

/** A problem per index, and so per cell in turn, until `count` are new; an index that only repeats is passed over. */
const mostRepeats = 2000;

/**
 * Draws distinct problems for training and for the two test halves: no question is in two splits. The same task, config,
 * seed and counts give the same problems. Refuses where the configured space runs out.
 */
export const poseProblems = (
  task: Task,
  config: Json,
  { seed, counts }: { readonly seed: number; readonly counts: Counts },
): Posed => {
  const { script } = task;
  if (!script) return { ok: false, message: `${task.name} has no script to pose problems; import them instead` };
  const checked = script.configure(config);
  if (!checked.ok) return checked;
  const taken = new Set<string>();
  const next = { seen: 0, unseen: 0 };
  const draw = (split: keyof Counts, cells: 'seen' | 'unseen'): readonly GeneratedProblem[] | string => {
    const found: GeneratedProblem[] = [];
    for (let repeats = 0; found.length < counts[split]; ) {
      const problem = script.generate(checked.config, seed, cells, next[cells]++);
      const identity = (script.identityOf ?? identityOf)(problem);
      if (!taken.has(identity)) {
        taken.add(identity);
        found.push(problem);
        repeats = 0;
      } else if (++repeats === mostRepeats) {
        return `${task.name}: only ${found.length} of ${counts[split]} distinct problems for ${split}: the ${cells} cells are too small`;
      }
    }
    return found;
  };
  try {
    const train = draw('train', 'seen');
    const testSeen = draw('testSeen', 'seen');
    const testUnseen = draw('testUnseen', 'unseen');
    if (typeof train === 'string') return { ok: false, message: train };
    if (typeof testSeen === 'string') return { ok: false, message: testSeen };
    if (typeof testUnseen === 'string') return { ok: false, message: testUnseen };
    return { ok: true, problems: { train, testSeen, testUnseen } };
  } catch (error) {
    if (error instanceof Error) return { ok: false, message: error.message };
    throw error;
  }
};
