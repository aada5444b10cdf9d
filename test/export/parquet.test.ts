import * as fc from 'fast-check';
import { tableFromIPC } from 'apache-arrow';
import * as E from 'fp-ts/Either';
import { readParquet as readByRust } from 'parquet-wasm';
import { textOf, type Row } from '../../projections/replayDataset';
import { parquet, parquetFile, readParquet } from '../../src/export/parquet';
import { must, the } from '../support/events';
import { arbitraryRows, inputOf, inputWith } from './exportSupport';

const bytesOf = async (input = inputOf()): Promise<Uint8Array> => the((await parquet.write(input)).get(parquetFile));

/** What the Rust implementation of Parquet and Arrow reads. */
const byRust = (bytes: Uint8Array): readonly Readonly<Record<string, unknown>>[] =>
  tableFromIPC(readByRust(bytes).intoIPCStream())
    .toArray()
    .map((record): Readonly<Record<string, unknown>> => JSON.parse(JSON.stringify(record, numbers)));

const numbers = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

const expected = (rows: readonly Row[]) =>
  rows.map((row) => ({
    row_id: row.id,
    text: textOf(row),
    end_of_text: row.end,
    bucket: row.bucket,
    problem_id: row.problemId,
    trajectory_id: row.trajectoryId,
    iteration: row.iteration,
    sections: row.sections.map(({ eventId, ...rest }) => ({ ...rest, event_id: eventId })),
  }));

describe('parquet', () => {
  it('is read back by the library that wrote it', async () => {
    const input = inputOf();
    const { rows, provenance } = must(await readParquet(await bytesOf(input)));
    expect(rows).toEqual(input.rows);
    expect(JSON.parse(the(provenance))).toMatchObject({ dataset: input.dataset, origin: input.origin });
  });

  it('is read by an implementation of another make, value by value', async () => {
    const input = inputOf();
    const records = byRust(await bytesOf(input));
    expect(records).toHaveLength(input.rows.length);
    expect(records).toMatchObject(expected(input.rows));
    const { dataset, origin } = input;
    expect(records[0]).toMatchObject({
      dataset,
      policy: origin?.policy.name,
      policy_digest: origin?.policy.digest,
      ledger_size: origin?.ledger.size,
      ledger_root: origin?.ledger.root,
    });
  });

  it('holds any rows, for both', async () => {
    const holds = async (rows: readonly Row[]): Promise<void> => {
      const bytes = await bytesOf(inputWith(rows));
      expect(must(await readParquet(bytes)).rows).toEqual(rows);
      expect(byRust(bytes)).toMatchObject(expected(rows));
    };
    await fc.assert(fc.asyncProperty(arbitraryRows, holds), { numRuns: 60 });
  });

  it('holds no rows, and more than one row group', async () => {
    expect(must(await readParquet(await bytesOf(inputWith([])))).rows).toEqual([]);
    const [row] = inputOf().rows;
    const many = Array.from({ length: 2500 }, (_, i) => ({ ...the(row), id: `row-${i}` }));
    const bytes = await bytesOf(inputWith(many));
    expect(must(await readParquet(bytes)).rows).toEqual(many);
    expect(byRust(bytes).map(({ row_id: id }) => id)).toEqual(many.map(({ id }) => id));
  });
});

describe('a file that is no Parquet of ours', () => {
  const complaint = async (bytes: Uint8Array) => {
    const read = await readParquet(bytes);
    if (E.isRight(read)) throw new Error('it was read');
    return read.left;
  };

  it.each([
    ['empty', () => new Uint8Array()],
    ['text', () => new TextEncoder().encode('{"id": 1}\n')],
    ['the magic and nothing else', () => new TextEncoder().encode('PAR1PAR1')],
  ])('%s is refused as a whole', async (_, bytes) => {
    expect(await complaint(bytes())).toEqual({
      tag: 'file',
      message: expect.stringContaining('not readable as Parquet'),
    });
  });

  it('cut short is refused, wherever it is cut', async () => {
    const bytes = await bytesOf();
    for (const part of [0.01, 0.3, 0.6, 0.99]) {
      const cut = bytes.slice(0, Math.floor(bytes.length * part));
      expect(await complaint(cut)).toMatchObject({ tag: 'file' });
    }
  });

  it('with other columns is refused by row', async () => {
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    const other = parquetWriteBuffer({ columnData: [{ name: 'text', data: ['a', 'b'] }] });
    const lines = [expect.stringMatching(/^row 1: /), expect.stringMatching(/^row 2: /)];
    expect(await complaint(new Uint8Array(other))).toEqual({ tag: 'lines', lines });
  });
});
