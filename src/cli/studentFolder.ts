import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { type Digest, isMapping, type Json, sha256 } from '../../events/digest';
import type { RecordedEvent } from '../../events/envelope';
import type { BlobStore } from '../ports/blobStore';
import type { EventLog } from '../ports/eventLog';
import type { ReceiptLine, StartingModel, TrainedStudent } from '../run/base';
import { checkpointDigest, isCheckpointFile } from '../train/checkpoint';
import { must, stop } from './faults';
import { readBytes, readText, reason, writing } from './inputFile';

export const receiptFile = 'receipt.jsonl';

export const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

const isLine = (value: unknown): value is ReceiptLine =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'data' in value;

const readReceipt = (path: string): readonly ReceiptLine[] => {
  const bad: string[] = [];
  const lines: ReceiptLine[] = [];
  for (const [i, line] of readText(path).split('\n').entries()) {
    if (line === '') continue;
    try {
      const value: unknown = JSON.parse(line);
      if (isLine(value)) lines.push({ type: value.type, version: value.version, data: value.data });
      else bad.push(`line ${i + 1}: expected {type, version, data}`);
    } catch (failure) {
      bad.push(`line ${i + 1}: ${reason(failure)}`);
    }
  }
  return bad.length > 0 ? stop({ tag: 'BadLines', path, lines: bad, total: bad.length }) : lines;
};

const fieldsOf = (json: Json): Readonly<Record<string, Json>> => (isMapping(json) ? json : {});

/** The files that the receipt's final checkpoint names; undefined without a receipt. */
const namedByReceipt = (events: readonly ReceiptLine[]): readonly string[] | undefined => {
  for (const event of events) {
    if (event.type !== 'CheckpointWritten') continue;
    const { kind, files } = fieldsOf(event.data);
    if (kind === 'final' && files !== undefined) return Object.keys(fieldsOf(files));
  }
  return undefined;
};

/** The files of these names; of all that belong to a model, where none are named. */
const filesIn = (folder: string, names?: readonly string[]): ReadonlyMap<string, Uint8Array> => {
  if (!isFolder(folder)) return stop({ tag: 'InputUnreadable', path: folder, message: 'there is no such folder' });
  const wanted = names ?? readdirSync(folder).filter(isCheckpointFile);
  return new Map([...wanted].sort().map((name) => [name, readBytes(join(folder, name))]));
};

/** A model folder's files, and the events of its training where the folder holds a receipt. */
export const readStudentFolder = (folder: string): TrainedStudent => {
  const receipt = join(folder, receiptFile);
  const events = existsSync(receipt) ? readReceipt(receipt) : [];
  return { files: filesIn(folder, namedByReceipt(events)), events };
};

/** Digests of the folders that this process has read: the cells of a comparison start from the same model. */
const digests = new Map<string, Digest>();

/** A model folder that a training starts from. Its weights are read once for their digest, and again where they are needed. */
export const startingModel = (folder: string): StartingModel => {
  const known = digests.get(folder);
  const digest = known ?? checkpointDigest(new Map([...filesIn(folder)].map(([name, bytes]) => [name, sha256(bytes)])));
  digests.set(folder, digest);
  return { digest, files: () => filesIn(folder) };
};

const sameBytes = (file: string, bytes: Uint8Array): boolean => existsSync(file) && readFileSync(file).equals(bytes);

/** Refuses a folder in which a file of one of these names has other bytes; what is the same already stays. */
export const writeFolder = (folder: string, files: ReadonlyMap<string, Uint8Array>, overwrite: boolean): void => {
  const different = [...files].find(
    ([name, bytes]) => existsSync(join(folder, name)) && !sameBytes(join(folder, name), bytes),
  );
  if (different !== undefined && !overwrite) {
    stop({ tag: 'WouldOverwrite', path: join(folder, different[0]), message: 'the file that is there is another one' });
  }
  writing(folder, () => {
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of files)
      if (!sameBytes(join(folder, name), bytes)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileAtomic.sync(join(folder, name), Buffer.from(bytes));
      }
  });
};

/** A checkpoint's files from the blob store, each checked against its digest. */
export const filesOf = async (
  blobs: BlobStore,
  files: Readonly<Record<string, Digest>>,
): Promise<Map<string, Uint8Array>> => {
  const bytes = new Map<string, Uint8Array>();
  for (const [name, digest] of Object.entries(files)) bytes.set(name, must(await blobs.get(digest)()));
  return bytes;
};

/** A resume state's blob is of no use elsewhere, so its event stays behind. */
const isResumeState = ({ type, data }: RecordedEvent): boolean =>
  type === 'CheckpointWritten' && fieldsOf(data)['kind'] === 'resume';

/** The events of a training as lines that can be imported into another ledger. */
export const receiptOf = async (log: EventLog, trainingId: string): Promise<string> => {
  let lines = '';
  for await (const event of log.readStream(`training-${trainingId}`)) {
    const { type, version, data } = event;
    if (!isResumeState(event)) lines += `${JSON.stringify({ type, version, data })}\n`;
  }
  return lines;
};
