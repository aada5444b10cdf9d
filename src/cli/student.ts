import { loadCheckpoint, type LoadedCheckpoint } from '../train/checkpointStore';
import { importCheckpoint } from '../run/base';
import type { Ledger } from './compose';
import { must } from './faults';
import { findCheckpoint } from './find';
import { isFolder, readStudentFolder } from './studentFolder';

/** A student by its checkpoint's digest (or a prefix, or `latest`), or from a model folder, which is then imported. */
export const loadStudent = async (name: string, { log, blobs }: Ledger): Promise<LoadedCheckpoint> => {
  if (isFolder(name)) return must(await importCheckpoint(readStudentFolder(name).files, { log, blobs }));
  const { checkpoint, files } = (await findCheckpoint(log, name)).data;
  return must(await loadCheckpoint(blobs, checkpoint, files));
};
