import { sha256, type Json } from '../../events/digest';
import { croissant } from '../../src/export/croissant';
import { openlineage } from '../../src/export/openlineage';
import { parquetFile } from '../../src/export/parquet';
import { fieldsOf, the } from '../support/events';
import { inputOf, inputWith, linesOf } from './exportSupport';

type Fields = Readonly<Record<string, Json>>;
const listOf = (json: Json | undefined): readonly Json[] => {
  if (!Array.isArray(json)) throw new Error('no list');
  return json;
};

describe('croissant', () => {
  const about = { license: 'https://spdx.org/licenses/MIT', url: 'https://example.org/d', creator: 'Ana' };
  const read = async (): Promise<{ readonly file: Uint8Array; readonly json: Fields }> => {
    const files = await croissant.write({ ...inputOf(), about: { ...about, datePublished: '2026-11-24' } });
    const json: Fields = JSON.parse(new TextDecoder().decode(the(files.get('croissant.json'))));
    return { file: the(files.get(parquetFile)), json };
  };

  /** http://mlcommons.org/croissant/1.1, "Dataset-level Information", required; FileObject, required. */
  it('has every property that the specification requires, given what only the publisher knows', async () => {
    const { file, json } = await read();
    const required = [
      '@context',
      '@type',
      'conformsTo',
      'description',
      'license',
      'name',
      'url',
      'creator',
      'datePublished',
    ];
    expect(required.filter((key) => json[key] === undefined)).toEqual([]);
    expect(json['conformsTo']).toBe('http://mlcommons.org/croissant/1.1');
    const [object] = listOf(json['distribution']);
    expect(object).toMatchObject({ contentUrl: parquetFile, sha256: sha256(file), contentSize: `${file.length} B` });
  });

  it('has unique ids, and refers to none that is not there', async () => {
    const { json } = await read();
    const defined: string[] = [];
    const named: string[] = [];
    const walk = (value: Json): void => {
      if (Array.isArray(value)) value.forEach(walk);
      else if (typeof value === 'object' && value !== null) {
        const fields = fieldsOf(value);
        const id = fields['@id'];
        if (typeof id === 'string') (Object.keys(fields).length === 1 ? named : defined).push(id);
        Object.values(fields).forEach(walk);
      }
    };
    const { '@context': _, 'prov:wasDerivedFrom': __, ...own } = json;
    walk(own);
    expect(new Set(defined).size).toBe(defined.length);
    expect(named.filter((id) => !defined.includes(id))).toEqual([]);
  });

  it('describes every column of the file', async () => {
    const { json } = await read();
    const fields = listOf(fieldsOf(listOf(json['recordSet'])[0])['field']).map((field) => fieldsOf(field)['name']);
    const { parquetMetadata } = await import('hyparquet');
    const { file } = await read();
    const { schema } = parquetMetadata(new Uint8Array(file).buffer);
    const columns = new Set(schema.map(({ name }) => name));
    expect(fields.filter((name) => typeof name !== 'string' || !columns.has(name))).toEqual([]);
    expect(fields).toHaveLength(the(schema[0]?.num_children));
  });
});

describe('openlineage', () => {
  const events = async (input = inputOf()): Promise<readonly Fields[]> =>
    linesOf((await openlineage.write(input)).get('openlineage.jsonl'));

  /** https://openlineage.io/spec/2-0-2/OpenLineage.json: RunEvent, Run, Job, Dataset, BaseFacet, required. */
  it('is a START and a COMPLETE of one run, with everything that the schema requires', async () => {
    const both = await events();
    expect(both.map((event) => event['eventType'])).toEqual(['START', 'COMPLETE']);
    for (const event of both) {
      expect(event['eventTime']).toBe(inputOf().entry.recordedAt);
      expect(event['schemaURL']).toBe('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent');
      expect(event['producer']).toMatch(/^[a-z]+:/);
      expect(fieldsOf(event['run'])['runId']).toBe(inputOf().origin?.eventId);
      for (const part of [event['job'], ...listOf(event['inputs']), ...listOf(event['outputs'])])
        expect(fieldsOf(part)).toMatchObject({ namespace: 'tripost', name: expect.any(String) });
      const facets = [event['run'], event['job'], ...listOf(event['inputs']), ...listOf(event['outputs'])].flatMap(
        (part) => [
          ...Object.values(fieldsOf(fieldsOf(part)['facets'])),
          ...Object.values(fieldsOf(fieldsOf(part)['outputFacets'] ?? {})),
        ],
      );
      expect(facets.length).toBeGreaterThan(0);
      for (const facet of facets)
        expect(facet).toMatchObject({ _producer: expect.any(String), _schemaURL: expect.stringMatching(/^https:/) });
    }
  });

  it('names the ledger as input and the dataset as output, with its rows', async () => {
    const [, complete] = await events();
    const { dataset, origin, rows } = inputOf();
    expect(listOf(complete?.['inputs'])[0]).toMatchObject({ name: `ledger/${origin?.ledger.root}` });
    expect(listOf(complete?.['outputs'])[0]).toMatchObject({
      name: `dataset/${dataset}`,
      outputFacets: { outputStatistics: { rowCount: rows.length } },
    });
  });

  it('of a dataset of unknown derivation has no input', async () => {
    const input = inputWith(inputOf().rows);
    const [start] = await events({ ...input, entry: { ...input.entry, type: 'DatasetImported' } });
    expect(start).toMatchObject({ inputs: [], job: { name: 'import' } });
  });
});
