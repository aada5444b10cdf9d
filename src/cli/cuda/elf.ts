/** Reads `length` bytes of a file at `offset`; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Segment types and tags of the dynamic section that are read here (System V ABI, "Program Header", "Dynamic Section"). */
const loadable = 1;
const dynamic = 2;
const needed = 1;
const stringTable = 5;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const wide = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

const isElf64 = (head: Uint8Array): boolean =>
  head.length >= 64 && [0x7f, 0x45, 0x4c, 0x46, 2, 1].every((byte, i) => head[i] === byte);

const segmentsOf = (read: ReadAt): readonly Segment[] => {
  const head = read(0, 64);
  if (!isElf64(head)) return [];
  const view = viewOf(head);
  const [start, size, count] = [wide(view, 32), view.getUint16(54, true), view.getUint16(56, true)];
  const table = read(start, size * count);
  if (size < 56 || table.length < size * count) return [];
  return Array.from({ length: count }, (_, i) => {
    const entry = viewOf(table.subarray(i * size, (i + 1) * size));
    return { type: entry.getUint32(0, true), offset: wide(entry, 8), address: wide(entry, 16), size: wide(entry, 32) };
  });
};

/** Tag and value of each entry of the dynamic section. */
const entriesOf = (read: ReadAt, { offset, size }: Segment): readonly (readonly [number, number])[] => {
  const bytes = read(offset, size);
  const view = viewOf(bytes);
  return Array.from({ length: Math.floor(bytes.length / 16) }, (_, i) => [wide(view, 16 * i), wide(view, 16 * i + 8)]);
};

const longestName = 256;

/**
 * The shared libraries that a file links, in its order: DT_NEEDED of a 64-bit, little-endian ELF file. None where the
 * file is no such file.
 */
export const linkedBy = (read: ReadAt): readonly string[] => {
  const segments = segmentsOf(read);
  const section = segments.find(({ type }) => type === dynamic);
  if (section === undefined) return [];
  const entries = entriesOf(read, section);
  const address = entries.find(([tag]) => tag === stringTable)?.[1];
  const holder = segments.find(
    (segment) =>
      segment.type === loadable &&
      address !== undefined &&
      segment.address <= address &&
      address < segment.address + segment.size,
  );
  if (address === undefined || holder === undefined) return [];
  const start = address - holder.address + holder.offset;
  return entries
    .filter(([tag]) => tag === needed)
    .map(([, place]) => {
      const bytes = Buffer.from(read(start + place, longestName));
      return bytes.subarray(0, Math.max(0, bytes.indexOf(0))).toString('latin1');
    });
};
