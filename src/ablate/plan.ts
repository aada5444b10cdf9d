import { digestOf } from '../../events/digest';
import { problemSetOf } from '../run/problems';
import type { RunInput } from '../run/runContext';

/** One piece of work: the same key is the same work, done once on one ledger. */
export interface Work {
  readonly kind: 'base' | 'evaluate' | 'collect' | 'train';
  readonly key: string;
  /** How much of it: optimizer steps, first calls, test problems. Null: known only once there is a dataset (epochs). */
  readonly amount: number | null;
}

/**
 * The work of one run, in order. A key covers all that decides the work as far as it can be known before it is done; what
 * turns out equal later (two policies that keep the same rows) is shared too, so a plan never counts too little.
 */
export const workOf = ({ config, policy, basePolicy, task, trained }: RunInput): readonly Work[] => {
  const { train, testSeen, testUnseen, seed, gold } = config.task;
  const set = problemSetOf({ task, config: config.task.config, seed, counts: { train, testSeen, testUnseen }, gold });
  const { trained: _, policy: ___, ...base } = config.base;
  let student = digestOf(['base', set, base, basePolicy]);
  const work: Work[] = [];
  if (trained === undefined) work.push({ kind: 'base', key: student, amount: base.train.steps });
  const evaluated = (): Work => ({
    kind: 'evaluate',
    key: digestOf(['evaluate', student, set, config.evaluate, config.seed]),
    amount: testSeen + testUnseen,
  });
  work.push(evaluated());
  const { passes, concurrency: __, ...collect } = config.collect;
  let collections: readonly string[] = [];
  for (let iteration = 1; iteration <= config.iterations; iteration++) {
    if (policy.select.sources.includes('trajectories')) {
      const key = digestOf(['collect', student, set, collect, config.seed, iteration]);
      collections = [...collections, key];
      for (let pass = 0; pass < passes; pass++) work.push({ kind: 'collect', key: `${key}.${pass}`, amount: train });
    }
    const dataset = [set, policy, policy.select.iterations === 'through' ? collections : collections.slice(-1), passes];
    student = digestOf(['train', student, dataset, config.train, config.seed]);
    work.push({ kind: 'train', key: student, amount: config.train.steps }, evaluated());
  }
  return work;
};

/** Totals of one kind of work: what every cell alone would do, and what is left when equal work is done once. */
export interface Share {
  readonly kind: Work['kind'];
  readonly pieces: number;
  readonly once: number;
  /** Sums of known amounts. */
  readonly amount: number;
  readonly amountOnce: number;
}

/** What several runs on one ledger share, by kind of work. */
export const sharesOf = (runs: readonly (readonly Work[])[]): readonly Share[] => {
  const kinds = ['base', 'evaluate', 'collect', 'train'] as const;
  const all = runs.flat();
  const sum = (work: readonly Work[]): number => work.reduce((total, { amount }) => total + (amount ?? 0), 0);
  return kinds.map((kind) => {
    const own = all.filter((work) => work.kind === kind);
    const once = [...new Map(own.map((work) => [work.key, work])).values()];
    return { kind, pieces: own.length, once: once.length, amount: sum(own), amountOnce: sum(once) };
  });
};
