import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import { loadCheckpointTokenizer, openTokenizer } from '../train/checkpointStore';
import type { Tokenizer } from '../train/tokenizer';
import { must } from './faults';
import { findCheckpoint } from './find';
import { isFolder, readStudentFolder } from './studentFolder';

/** The tokenizer of a checkpoint (digest, prefix, latest) or of a model folder; nothing is imported, no weights are read. */
export const namedTokenizer = async (name: string, log: EventLog, blobs: BlobStore): Promise<Tokenizer> =>
  isFolder(name)
    ? must(openTokenizer(readStudentFolder(name).files))
    : must(await loadCheckpointTokenizer(blobs, (await findCheckpoint(log, name)).data.files));
