import { iterationStarted } from '../../events/iterationStarted';
import type { Digest } from '../../events/digest';
import { collectionIdOf } from '../../events/collectionStarted';
import { collectionOf } from '../collect/collectTrajectories';
import type { Editor } from '../collect/editor';
import { openStream } from '../ledger/openStream';
import { begin, runIdOf } from '../run/beginRun';
import { collectSettings } from '../run/loop';
import type { RunInput, RunPorts } from '../run/runContext';
import { must, stop } from './faults';

/** Notes on the run's own stream that an iteration begins, as `run` does, so that `run` goes on from a single step. */
export const noteIteration = async (
  input: RunInput,
  ports: RunPorts,
  iteration: number,
  student: Digest,
  problemSet: string,
  editor: Editor,
): Promise<string> => {
  const runId = runIdOf(input);
  const stream = must(await openStream(ports.log, `run-${runId}`));
  must(await begin(stream, runId, input, ports));
  const ref = { kind: 'checkpoint', digest: student } as const;
  const collectionId = collectionIdOf(collectionOf(collectSettings(input.config, iteration, problemSet), ref, editor));
  const known = stream.events.find((event) => event.type === 'IterationStarted' && event.data.iteration === iteration);
  if (known?.type === 'IterationStarted') {
    const { id, revision, data } = known;
    if (data.collectionId !== collectionId)
      stop({ tag: 'IdConflict', stream: known.stream, id, storedIn: known.stream, revision });
  } else {
    const started = iterationStarted.create({ runId, iteration, student: ref, problemSet, collectionId });
    must(await stream.append([started]));
  }
  return runId;
};
