import { contentId, type Json } from '../../events/digest';
import { toLines } from '../../projections/replayDataset';
import type { ExportFormat, ExportInput } from './exportFormat';

const producer = 'urn:tripost:export';
const base = 'https://openlineage.io/spec';

/** A facet of the specification: its name there, its version, its type. */
const facet = (file: string, type: string, version: string, fields: Readonly<Record<string, Json>>): Json => ({
  _producer: producer,
  _schemaURL: `${base}/facets/${version}/${file}.json#/$defs/${type}`,
  ...fields,
});

/** A facet of our own: the schema that every facet obeys. */
const ownFacet = (fields: Readonly<Record<string, Json>>): Json => ({
  _producer: producer,
  _schemaURL: `${base}/2-0-2/OpenLineage.json#/$defs/BaseFacet`,
  ...fields,
});

const versionFacet = (datasetVersion: string): Json =>
  facet('DatasetVersionDatasetFacet', 'DatasetVersionDatasetFacet', '1-0-1', { datasetVersion });

const eventOf = (eventType: 'START' | 'COMPLETE', input: ExportInput): Json => {
  const { dataset, rows, origin, entry } = input;
  const imported = entry.type === 'DatasetImported';
  const inputs: Json[] =
    origin === null
      ? []
      : [
          {
            namespace: 'tripost',
            name: `ledger/${origin.ledger.root}`,
            facets: { version: versionFacet(origin.ledger.root), tripost_ledger: ownFacet({ ...origin.ledger }) },
          },
        ];
  const policy = origin === null ? {} : { tripost_policy: ownFacet({ ...origin.policy }) };
  const how =
    origin === null
      ? {}
      : {
          tripost_derivation: ownFacet({
            seed: origin.seed,
            scope: { ...origin.scope },
            projection: { ...origin.projection },
            candidates: origin.candidates,
            byReason: { ...origin.byReason },
            decisions: origin.decisions,
            manifest: origin.manifest,
          }),
        };
  return {
    eventType,
    eventTime: entry.recordedAt,
    producer,
    schemaURL: `${base}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    run: { runId: origin?.eventId ?? contentId(['openlineage', dataset]), facets: how },
    job: {
      namespace: 'tripost',
      name: imported && origin === null ? 'import' : `derive.${origin?.policy.name ?? 'unknown'}`,
      facets: policy,
    },
    inputs,
    outputs:
      eventType === 'START'
        ? []
        : [
            {
              namespace: 'tripost',
              name: `dataset/${dataset}`,
              facets: { version: versionFacet(dataset) },
              outputFacets: {
                outputStatistics: facet(
                  'OutputStatisticsOutputDatasetFacet',
                  'OutputStatisticsOutputDatasetFacet',
                  '1-0-2',
                  {
                    rowCount: rows.length,
                  },
                ),
              },
            },
          ],
  };
};

/**
 * The derivation as an OpenLineage run: a START and a COMPLETE event, one a line
 * (https://openlineage.io/spec/2-0-2/OpenLineage.json). `eventTime` is required there: it is when the ledger recorded the
 * dataset, so two ledgers with the same dataset differ in it and in nothing else.
 */
export const openlineage: ExportFormat = {
  name: 'openlineage',
  reader: 'Marquez and other OpenLineage backends (POST each line to `/api/v1/lineage`)',
  mapping: [
    'The derivation is a run with the id of its event, the policy a facet of the job, the ledger up to its root the input and',
    'the dataset the output. The rows themselves are not in it.',
  ],
  data: null,
  write: async (input) =>
    new Map([['openlineage.jsonl', toLines([eventOf('START', input), eventOf('COMPLETE', input)])]]),
  weights: null,
  end: () => 'kept',
};
