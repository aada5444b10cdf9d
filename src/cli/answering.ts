import type { ModelRef } from '../../events/codecs';
import type { Answers } from '../collect/answer';
import type { LanguageModel } from '../ports/languageModel';
import type { OpenStudents } from '../train/students';
import type { Args } from './args';
import type { Flag } from './command';
import type { Ledger } from './compose';
import { stop, usage } from './faults';
import { eventsOf } from './find';
import { loadStudent } from './student';
import type { Calls } from './teaching';

const prefix = 'endpoint:';

/** Flags that say who answers. */
export const studentFlags: readonly Flag[] = [
  {
    flags: '--student <checkpoint>',
    description: 'who answers: a checkpoint (digest, prefix, latest), a model folder, or endpoint:<model>',
  },
  {
    flags: '--registered <name>',
    description:
      'which registered checkpoint the served student is (register-checkpoint); default: the one of its name',
  },
  { flags: '--student-url <url>', description: 'where the served student is, if not where the teacher is' },
];

export const isServed = (name: string): boolean => name.startsWith(prefix);

/** Who answers: a model of our own, or a served one. */
export interface Answering {
  readonly student: LanguageModel;
  readonly answers?: Answers;
  readonly release: () => Promise<void>;
}

/**
 * The checkpoint that a served model is: the one that was registered under a name or digest. `--registered` says which;
 * else the one that has the served model's own name.
 */
const servedAs = async (model: string, args: Args, { log }: Ledger): Promise<ModelRef> => {
  const asked = args.text('registered');
  const wanted = asked ?? model;
  const registered = await eventsOf(log, 'CheckpointRegistered');
  const found = registered.findLast(
    ({ data }) =>
      data.name === wanted || (asked !== undefined && data.checkpoint.startsWith(asked) && asked.length >= 6),
  );
  if (found !== undefined) return { kind: 'checkpoint', digest: found.data.checkpoint };
  if (asked !== undefined) {
    const known = registered.map(({ data }) => data.name);
    return stop({ tag: 'IdNotFound', what: 'registered checkpoint', id: asked, known });
  }
  return { kind: 'endpoint', name: model };
};

/** The student that a name means: `endpoint:<model>`, a checkpoint on the ledger, or a model folder. */
export const openAnswering = async (
  name: string,
  args: Args,
  ledger: Ledger,
  calls: Calls,
  { openStudents, batch }: { readonly openStudents: OpenStudents; readonly batch: number },
): Promise<Answering> => {
  if (isServed(name)) {
    const model = name.slice(prefix.length);
    if (model === '') usage(`--student: expected endpoint:<model>, got ${JSON.stringify(name)}`);
    const caller = await calls.caller(model, 'student', await servedAs(model, args, ledger));
    const { model: served } = caller.ports;
    // Some batches' worth at once: the slowest call of a batch keeps fewer of the others waiting.
    return { student: { ...served, batch: 4 * served.batch }, answers: { caller }, release: async () => {} };
  }
  const { digest: checkpoint, shape, weights, tokenizer, kept } = await loadStudent(name, ledger);
  const students = openStudents();
  const student = students.open({ checkpoint, shape, weights, tokenizer, stopIds: kept?.stopIds, batch });
  return { student, release: () => students.release() };
};
