import * as E from 'fp-ts/Either';
import { iterationStarted } from '../../events/iterationStarted';
import type { ModelRef } from '../../events/codecs';
import { collectionIdOf } from '../../events/collectionStarted';
import { collectionOf } from '../collect/collectTrajectories';
import type { Editor } from '../collect/editor';
import { appendOnce, openStream, type OpenStream } from '../ledger/openStream';
import { begin, runIdOf } from '../run/beginRun';
import { collectSettings } from '../run/loop';
import type { RunInput, RunPorts } from '../run/runContext';
import { must, stop } from './faults';

/** The run's stream with its start; of several processes that begin at the same moment, one notes it. */
const beginTogether = async (runId: string, input: RunInput, ports: RunPorts): Promise<OpenStream> => {
  for (let attempt = 0; ; attempt++) {
    const stream = must(await openStream(ports.log, `run-${runId}`));
    const begun = await begin(stream, runId, input, ports);
    const conflict = E.isLeft(begun) && (begun.left.tag === 'WrongExpectedRevision' || begun.left.tag === 'IdConflict');
    if (conflict && attempt < 3) continue;
    must(begun);
    return stream;
  }
};

/** Notes on the run's own stream that an iteration begins, as `run` does, so that `run` goes on from a single step. */
export const noteIteration = async (
  input: RunInput,
  ports: RunPorts,
  iteration: number,
  student: ModelRef,
  problemSet: string,
  editor: Editor,
): Promise<string> => {
  const runId = runIdOf(input);
  const stream = await beginTogether(runId, input, ports);
  const collectionId = collectionIdOf(
    collectionOf(collectSettings(input.config, iteration, problemSet), student, editor),
  );
  const known = stream.events.find((event) => event.type === 'IterationStarted' && event.data.iteration === iteration);
  if (known?.type === 'IterationStarted') {
    const { id, revision, data } = known;
    if (data.collectionId !== collectionId)
      stop({ tag: 'IdConflict', stream: known.stream, id, storedIn: known.stream, revision });
  } else {
    const started = iterationStarted.create({ runId, iteration, student, problemSet, collectionId });
    // Another process that shares the work may have noted the very same meanwhile.
    must(await appendOnce(ports.log, stream.stream, started));
  }
  return runId;
};
