import * as E from 'fp-ts/Either';
import { join } from 'node:path';
import { sha256 } from '../../events/digest';
import { provenanceFile } from '../export/provenanceFile';
import { dataFileOf, readDataFile, type BadExport, type ReadDataset } from '../export/readExport';
import { stop } from './faults';
import { readBytes, readText, utf8 } from './inputFile';
import { isFolder } from './studentFolder';

const good = <T>(path: string, read: E.Either<BadExport, T>): T => {
  if (E.isRight(read)) return read.right;
  const { left } = read;
  if (left.tag === 'file') return stop({ tag: 'InputUnreadable', path, message: left.message });
  return stop({ tag: 'BadLines', path, lines: left.lines, total: left.lines.length });
};

const formatOf = (path: string): 'jsonl' | 'parquet' => {
  if (path.endsWith('.jsonl')) return 'jsonl';
  if (path.endsWith('.parquet')) return 'parquet';
  const message = 'expected the folder of an export, or its .jsonl or .parquet file';
  return stop({ tag: 'InputUnreadable', path, message });
};

const textOf = (path: string, format: 'jsonl' | 'parquet', bytes: Uint8Array): string =>
  format === 'jsonl' ? utf8(path, bytes) : '';

/** Reads a dataset that `tripost export` wrote: its folder, checked against its provenance, or its data file alone. */
export const readDatasetFile = async (path: string): Promise<ReadDataset> => {
  if (!isFolder(path)) {
    const format = formatOf(path);
    const bytes = readBytes(path);
    return good(path, await readDataFile(format, bytes, textOf(path, format, bytes)));
  }
  const provenance = join(path, provenanceFile);
  const { format, path: name, digest, said } = good(provenance, dataFileOf(readText(provenance)));
  const data = join(path, name);
  const bytes = readBytes(data);
  const found = sha256(bytes);
  if (found !== digest) {
    const message = `${provenanceFile} says its SHA-256 is ${digest}, it is ${found}: the file was changed`;
    return stop({ tag: 'InputUnreadable', path: data, message });
  }
  return good(data, await readDataFile(format, bytes, textOf(data, format, bytes), said));
};
