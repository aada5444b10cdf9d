import type { Either } from 'fp-ts/Either';
import { isLeft, left, right } from 'fp-ts/Either';
import { isMapping } from '../../events/digest';
import type { JsonObject } from './jsonShape';
import { duplicateKey, isCount, isRecordOf, isText, parsed, quoted } from './jsonShape';
import type { FloatType, WrittenType } from './floatBytes';
import { bytesOfFloats, readFloats, widthOf } from './floatBytes';
import { sharedVectors } from './vectorBlocks';

/** The safetensors format: header length (u64, little-endian), JSON header padded with spaces, data. */
export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface StoredTensor extends Tensor {
  /** The type in the file; `data` is float32 whatever it is. F64 is rounded to nearest. */
  readonly dtype: FloatType;
}

export interface SafetensorsFile {
  readonly metadata: { readonly [key: string]: string };
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

export type SafetensorsErrorTag =
  | 'HeaderTruncated'
  | 'HeaderTooLarge'
  | 'HeaderNotJson'
  | 'DuplicateName'
  | 'BadMetadata'
  | 'BadEntry'
  | 'UnknownDtype'
  | 'SizeMismatch'
  | 'Overlap'
  | 'Hole'
  | 'OutOfRange';

/** `where` is the header's path, as `a.weight.data_offsets`. */
export interface SafetensorsError {
  readonly tag: SafetensorsErrorTag;
  readonly where: string;
  readonly expected: string;
  readonly got: string;
}

/** The reference implementation's limit. */
const maxHeaderBytes = 100_000_000;

const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

const byName = (a: Tensor, b: Tensor): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * Float32 tensors as safetensors bytes in pieces, all of one type: the header, and each tensor's numbers, for F32 views of
 * its own memory where the machine is little-endian. `order` is the data's order: by name, as the reference
 * implementation writes (it sorts by type width first), or as given. BF16 is rounded to nearest even. Throws TypeError on two tensors of one name or data
 * that is not as long as its dims say.
 */
export const safetensorsPieces = (
  tensors: readonly Tensor[],
  metadata: { readonly [key: string]: string } = {},
  order: 'by-name' | 'as-given' = 'by-name',
  dtype: WrittenType = 'F32',
): readonly Uint8Array[] => {
  const width = widthOf[dtype];
  const sorted = order === 'by-name' ? [...tensors].sort(byName) : tensors;
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) {
    entries.push(['__metadata__', Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)))]);
  }
  const names = new Set(['__metadata__']);
  let end = 0;
  for (const { name, dims, data } of sorted) {
    if (names.has(name)) throw new TypeError(`safetensors: ${name}: expected names to differ, got it twice`);
    if (data.length !== sizeOf(dims)) {
      throw new TypeError(
        `safetensors: ${name}: expected ${sizeOf(dims)} numbers for [${dims.join(', ')}], got ${data.length}`,
      );
    }
    names.add(name);
    entries.push([name, { dtype, shape: dims, data_offsets: [end, end + data.length * width] }]);
    end += data.length * width;
  }
  const text = new TextEncoder().encode(
    `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`,
  );
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(start).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(start - 8), true);
  header.set(text, 8);
  return [header, ...sorted.map(({ data }) => bytesOfFloats(data, dtype))];
};

/** Float32 tensors as the bytes of one safetensors file. */
export const writeSafetensors = (...given: Parameters<typeof safetensorsPieces>): Uint8Array => {
  const pieces = safetensorsPieces(...given);
  const bytes = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
};

interface Entry {
  readonly name: string;
  readonly dtype: FloatType;
  readonly dims: readonly number[];
  readonly from: number;
  readonly to: number;
}

const fail = (
  tag: SafetensorsErrorTag,
  where: string,
  expected: string,
  got: string,
): Either<SafetensorsError, never> => left({ tag, where, expected, got });

const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);
const isFloatType = (value: unknown): value is FloatType => typeof value === 'string' && Object.hasOwn(widthOf, value);

const entryOf = (name: string, value: unknown): Either<SafetensorsError, Entry> => {
  if (!isMapping(value)) return fail('BadEntry', name, 'an object', quoted(value));
  const { dtype, shape: dims, data_offsets: offsets } = value;
  if (!isFloatType(dtype)) return fail('UnknownDtype', `${name}.dtype`, Object.keys(widthOf).join(', '), quoted(dtype));
  if (!isCounts(dims)) return fail('BadEntry', `${name}.shape`, 'a list of sizes', quoted(dims));
  if (!isCounts(offsets) || offsets.length !== 2) {
    return fail('BadEntry', `${name}.data_offsets`, 'two byte offsets', quoted(offsets));
  }
  const [from = 0, to = 0] = offsets;
  const expected = sizeOf(dims) * widthOf[dtype];
  if (to - from !== expected) {
    const how = `${expected} bytes for ${dtype} [${dims.join(', ')}]`;
    return fail('SizeMismatch', `${name}.data_offsets`, how, `${to - from} (${from} to ${to})`);
  }
  return right({ name, dtype, dims, from, to });
};

interface Header {
  readonly json: JsonObject;
  readonly metadata: { readonly [key: string]: string };
  /** Where the data begins. */
  readonly start: number;
}

const headerOf = (bytes: Uint8Array): Either<SafetensorsError, Header> => {
  if (bytes.length < 8) return fail('HeaderTruncated', 'file', 'at least 8 bytes', `${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > maxHeaderBytes) return fail('HeaderTooLarge', 'header', `at most ${maxHeaderBytes} bytes`, `${length}`);
  const start = 8 + Number(length);
  if (bytes.length < start) return fail('HeaderTruncated', 'header', `${length} bytes`, `${bytes.length - 8}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start));
  } catch {
    return fail('HeaderNotJson', 'header', 'UTF-8', 'broken UTF-8');
  }
  const json = text.startsWith('{') ? parsed(text) : undefined;
  if (!isMapping(json)) return fail('HeaderNotJson', 'header', 'a JSON object', quoted(text));
  const twice = duplicateKey(text);
  if (twice !== undefined) return fail('DuplicateName', twice, 'keys to differ', 'it twice');
  const metadata = json['__metadata__'] ?? {};
  if (!isMapping(metadata)) return fail('BadMetadata', '__metadata__', 'an object', quoted(metadata));
  if (isRecordOf(metadata, isText)) return right({ json, metadata, start });
  const [key = '', value] = Object.entries(metadata).find(([, each]) => !isText(each)) ?? [];
  return fail('BadMetadata', `__metadata__.${key}`, 'a string', quoted(value));
};

/** That the tensors, in order, fill the data exactly. */
const checkFilled = (entries: readonly Entry[], size: number): Either<SafetensorsError, null> => {
  let end = 0;
  for (const { name, from, to } of entries) {
    const where = `${name}.data_offsets`;
    if (to > size) return fail('OutOfRange', where, `an end of at most ${size}, the data's length`, `${to}`);
    if (from < end) return fail('Overlap', where, `a begin of ${end}, where the tensor before it ends`, `${from}`);
    if (from > end) return fail('Hole', where, `a begin of ${end}, where the tensor before it ends`, `${from}`);
    end = to;
  }
  return end === size ? right(null) : fail('Hole', 'data', `${end} bytes, as the tensors take`, `${size}`);
};

/** Reads F64, F32, F16 and BF16 tensors as float32. The numbers are copies, in memory that every thread sees. */
export const readSafetensors = (bytes: Uint8Array): Either<SafetensorsError, SafetensorsFile> => {
  const header = headerOf(bytes);
  if (isLeft(header)) return header;
  const { json, metadata, start } = header.right;
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    const entry = entryOf(name, value);
    if (isLeft(entry)) return entry;
    entries.push(entry.right);
  }
  entries.sort((a, b) => a.from - b.from || a.to - b.to);
  const filled = checkFilled(entries, bytes.length - start);
  if (isLeft(filled)) return filled;
  const tensors = new Map<string, StoredTensor>();
  const vectors = sharedVectors(entries.map(({ dims }) => sizeOf(dims)));
  for (const [i, { name, dtype, dims, from, to }] of entries.entries()) {
    const data = vectors[i] ?? new Float32Array();
    readFloats(bytes.subarray(start + from, start + to), dtype, data);
    tensors.set(name, { name, dims, dtype, data });
  }
  return right({ metadata, tensors });
};
