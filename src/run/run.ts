import * as E from 'fp-ts/Either';
import { scriptedEditor } from '../collect/editor';
import { openStream } from '../ledger/openStream';
import type { Students } from '../train/students';
import { begin, runIdOf } from './beginRun';
import { Loop } from './loop';
import { poseSet } from './problems';
import type { RunError, RunInput, RunPorts, RunSummary } from './runContext';

/**
 * The whole of TriPosT: pose problems, get the base student, evaluate it, and then per iteration collect, derive, train
 * and evaluate. Everything that is on the ledger already is used, not made again, so running it twice is resuming it.
 */
export const run = async (input: RunInput, ports: RunPorts): Promise<E.Either<RunError, RunSummary>> => {
  const students = ports.openStudents();
  try {
    return await runWith(input, ports, students);
  } finally {
    await students.release();
  }
};

const runWith = async (
  input: RunInput,
  ports: RunPorts,
  students: Students,
): Promise<E.Either<RunError, RunSummary>> => {
  const { config, task } = input;
  const { editor: wanted } = config.collect;
  if (wanted !== 'script' && ports.editor === undefined)
    return E.left({
      tag: 'ModelUnavailable',
      message: `collect.editor is the model ${wanted.teacher.model}, and this command calls none; tripost run, collect and ablate do`,
    });
  const editor = ports.editor ?? (task.script === undefined ? undefined : scriptedEditor(task.script));
  if (editor === undefined) return E.left({ tag: 'NoScript', task: task.name });
  const runId = runIdOf(input);
  const opened = await openStream(ports.log, `run-${runId}`);
  if (E.isLeft(opened)) return opened;
  const stream = opened.right;
  const begun = await begin(stream, runId, input, ports);
  if (E.isLeft(begun)) return begun;

  ports.onProgress({ phase: 'pose', iteration: 0, detail: task.name });
  const { train: trainCount, testSeen, testUnseen, seed, gold } = config.task;
  const set = await poseSet(ports.log, {
    task,
    config: config.task.config,
    seed,
    counts: { train: trainCount, testSeen, testUnseen },
    gold,
  });
  if (E.isLeft(set)) return set;
  const loop = new Loop(input, ports, students, runId, set.right, stream, editor);
  return loop.all();
};
