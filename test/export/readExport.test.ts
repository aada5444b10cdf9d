import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { datasetDerived } from '../../events/datasetDerived';
import { canonicalJson, contentId, sha256, type Json } from '../../events/digest';
import { toLines, type Row } from '../../projections/replayDataset';
import type { ExportInput } from '../../src/export/exportFormat';
import { parquet, parquetFile } from '../../src/export/parquet';
import { dataFileOf, readDataFile, type BadExport } from '../../src/export/readExport';
import { exportDataset } from '../../src/export/writeExport';
import { fieldsOf, must, the } from '../support/events';
import { arbitraryRows, format, inputOf, inputWith } from './exportSupport';

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Reads the folder of an export, as the command line does. */
const readBack = async (name: string, input: ExportInput, change: (provenance: Json) => Json = (same) => same) => {
  const { files } = await exportDataset(format(name), input);
  const provenance = canonicalJson(change(JSON.parse(decode(the(files.get('provenance.json'))))));
  const named = dataFileOf(provenance);
  if (E.isLeft(named)) return named;
  const bytes = the(files.get(named.right.path));
  expect(sha256(bytes)).toBe(named.right.digest);
  return readDataFile(named.right.format, bytes, decode(bytes), named.right.said);
};

const refused = (read: E.Either<BadExport, unknown>): BadExport => {
  if (E.isRight(read)) throw new Error('it was read');
  return read.left;
};

describe.each(['jsonl', 'parquet', 'croissant'])('an export as %s', (name) => {
  it('is the same dataset again, with its derivation', async () => {
    const input = inputOf();
    const read = must(await readBack(name, input));
    expect(read).toMatchObject({ dataset: input.dataset, rows: input.rows, origin: input.origin });
    expect(sha256(read.datasetBytes)).toBe(input.dataset);
  });

  it('exports again to the same bytes', async () => {
    const input = inputOf();
    const { rows, dataset, origin } = must(await readBack(name, input));
    const again = { ...input, rows, dataset, origin };
    expect((await exportDataset(format(name), again)).digests).toEqual(
      (await exportDataset(format(name), input)).digests,
    );
  });

  it('keeps the digest of any rows', async () => {
    const holds = async (rows: readonly Row[]): Promise<void> => {
      const input = inputWith(rows);
      expect(must(await readBack(name, input)).dataset).toBe(input.dataset);
    };
    await fc.assert(fc.asyncProperty(arbitraryRows, holds), { numRuns: 40 });
  });

  it('whose provenance tells of other rows, another policy or another derivation is refused', async () => {
    const other = sha256('other');
    const inOrigin = (fields: object) => (json: Json) => ({
      ...fieldsOf(json),
      origin: { ...fieldsOf(fieldsOf(json)['origin']), ...fields },
    });
    const changed = async (change: (json: Json) => Json) => refused(await readBack(name, inputOf(), change));
    expect(await changed((json) => ({ ...fieldsOf(json), dataset: other }))).toMatchObject({
      message: expect.stringContaining('rows were changed'),
    });
    const policy = { name: 'tripost', digest: other, document: {} };
    expect(await changed(inOrigin({ policy }))).toMatchObject({
      message: expect.stringContaining('its policy has digest'),
    });
    expect(await changed(inOrigin({ manifest: other }))).toMatchObject({
      message: expect.stringContaining('its derivation would be event'),
    });
    expect(await changed((json) => ({ ...fieldsOf(json), version: 2 }))).toMatchObject({
      message: expect.stringContaining('is not the provenance of an export'),
    });
  });
});

describe('the id of a derivation', () => {
  it('is what the import works it out to be', () => {
    const { dataset, origin } = inputOf();
    expect(origin?.eventId).toBe(contentId([datasetDerived.type, dataset, origin?.manifest]));
  });
});

describe('a data file alone', () => {
  it('of Parquet has its derivation in it', async () => {
    const input = inputOf();
    const bytes = the((await parquet.write(input)).get(parquetFile));
    expect(must(await readDataFile('parquet', bytes, ''))).toMatchObject({
      dataset: input.dataset,
      origin: input.origin,
    });
  });

  it('of JSON Lines says nothing of it, and is the same dataset in any order of its keys', async () => {
    const { rows, dataset } = inputOf();
    const loose = rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).reverse()))).join('\r\n');
    const bytes = new TextEncoder().encode(loose);
    expect(must(await readDataFile('jsonl', bytes, loose))).toMatchObject({ dataset, rows, origin: null });
  });

  it('without rows is refused', async () => {
    expect(refused(await readDataFile('jsonl', new Uint8Array(), '\n'))).toEqual({
      tag: 'file',
      message: 'the file holds no rows',
    });
  });

  it('with bad lines is refused with their numbers', async () => {
    const [line = ''] = decode(toLines(inputOf().rows)).split('\n');
    const row: Row = JSON.parse(line);
    const lines = [
      line,
      '{"id": ',
      '',
      JSON.stringify({ ...row, bucket: 'best' }),
      JSON.stringify({ ...row, note: 1 }),
      '[]',
    ].join('\n');
    const left = refused(await readDataFile('jsonl', new TextEncoder().encode(lines), lines));
    expect(left).toMatchObject({ tag: 'lines' });
    const told = left.tag === 'lines' ? left.lines : [];
    expect(told.map((text) => text.split(':')[0])).toEqual(['line 2', 'line 4', 'line 5', 'line 6']);
    expect(told[1]).toContain('bucket');
    expect(told[2]).toContain('fields that no row has');
  });
});

describe('an export that holds no whole rows', () => {
  it.each(['trl', 'messages', 'axolotl', 'sharegpt', 'alpaca', 'openai', 'openlineage'])(
    '%s is not read',
    async (name) => {
      expect(refused(await readBack(name, inputOf()))).toMatchObject({
        message: expect.stringContaining('does not hold whole rows: import one as jsonl, parquet, croissant'),
      });
    },
  );
});
