import { canonicalJson, sha256, type Json } from '../../events/digest';
import type { ExportFormat, ExportInput } from './exportFormat';
import { parquet, parquetFile } from './parquet';

/** Appendix 1 of the specification, with PROV-O and the words that mlcroissant expects beside it. */
const context = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  sc: 'https://schema.org/',
  cr: 'http://mlcommons.org/croissant/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  dct: 'http://purl.org/dc/terms/',
  prov: 'http://www.w3.org/ns/prov#',
  annotation: 'cr:annotation',
  arrayShape: 'cr:arrayShape',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  containedIn: 'cr:containedIn',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  excludes: 'cr:excludes',
  extract: 'cr:extract',
  field: 'cr:field',
  fileProperty: 'cr:fileProperty',
  fileObject: 'cr:fileObject',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isArray: 'cr:isArray',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  readLines: 'cr:readLines',
  sdVersion: 'cr:sdVersion',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
  unArchive: 'cr:unArchive',
  value: 'cr:value',
};

type Field = readonly [name: string, dataType: string, description: string];

const fields: readonly Field[] = [
  ['row_id', 'sc:Text', 'Id of the row: the same row has it in every dataset.'],
  ['text', 'sc:Text', 'The training text.'],
  ['end_of_text', 'sc:Boolean', 'Whether an end-of-text token follows the text.'],
  [
    'bucket',
    'sc:Text',
    'SI: improves itself; T: a turn without an own update; GT: gold rationale; answer: a bare answer.',
  ],
  ['problem_id', 'sc:Text', 'The problem.'],
  ['trajectory_id', 'sc:Text', 'The trajectory that the row is of; null for gold.'],
  ['iteration', 'sc:Integer', 'The iteration that the trajectory was collected in; null for gold.'],
  ['dataset', 'sc:Text', 'SHA-256 of the dataset in canonical form.'],
  ['policy', 'sc:Text', 'Name of the policy that chose and weighed the rows.'],
  ['policy_digest', 'sc:Text', 'SHA-256 of that policy.'],
  ['ledger_size', 'sc:Integer', 'How many events of the ledger were read.'],
  ['ledger_root', 'sc:Text', 'Merkle root (RFC 6962) over those events.'],
];

const sectionFields: readonly Field[] = [
  ['kind', 'sc:Text', 'prompt, attempt, feedback or improvement.'],
  ['text', 'sc:Text', 'The text of the section; all of them, joined by nothing, are the training text.'],
  ['weight', 'sc:Float', "Weight of the section's tokens in the loss."],
  ['event_id', 'sc:Text', 'The event of the ledger that the text is of.'],
  ['author', 'sc:Text', 'student, teacher or script; null for a prompt.'],
];

const source = (column: string): Json => ({ fileObject: { '@id': parquetFile }, extract: { column } });

const fieldOf = ([name, dataType, description]: Field): Json => ({
  '@type': 'cr:Field',
  '@id': `rows/${name}`,
  name,
  description,
  dataType,
  source: source(name),
});

const sectionsField: Json = {
  '@type': 'cr:Field',
  '@id': 'rows/sections',
  name: 'sections',
  description: 'The training text cut into spans.',
  isArray: true,
  arrayShape: '-1',
  subField: sectionFields.map(([name, dataType, description]) => ({
    '@type': 'cr:Field',
    '@id': `rows/sections/${name}`,
    name,
    description,
    dataType,
    source: {
      fileObject: { '@id': parquetFile },
      extract: { column: 'sections' },
      transform: { jsonPath: `[*].${name}` },
    },
  })),
};

const documentOf = (input: ExportInput, file: Uint8Array): Json => {
  const { dataset, rows, origin, about } = input;
  const { creator, ...stated } = about;
  const derivation = {
    '@type': 'prov:Activity',
    'prov:label':
      origin === null
        ? 'unknown'
        : `tripost derive, policy ${origin.policy.name} (${origin.policy.digest}), seed ${origin.seed}`,
  };
  const from = origin === null ? {} : { 'prov:wasDerivedFrom': { '@id': `urn:tripost:ledger:${origin.ledger.root}` } };
  return {
    '@context': context,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.1',
    name: `tripost-${dataset.slice(0, 12)}`,
    description: `${rows.length} training rows of a TriPosT experiment (arXiv 2310.13522), each with the events it came from.`,
    identifier: `urn:sha256:${dataset}`,
    version: '1.0.0',
    isLiveDataset: false,
    citeAs: 'https://arxiv.org/abs/2310.13522',
    keywords: ['self-improvement', 'TriPosT', 'fine-tuning'],
    ...stated,
    ...(creator === undefined ? {} : { creator: { '@type': 'sc:Organization', name: creator } }),
    ...from,
    'prov:wasGeneratedBy': derivation,
    distribution: [
      {
        '@type': 'cr:FileObject',
        '@id': parquetFile,
        name: parquetFile,
        contentUrl: parquetFile,
        contentSize: `${file.length} B`,
        encodingFormat: 'application/x-parquet',
        sha256: sha256(file),
      },
    ],
    recordSet: [
      {
        '@type': 'cr:RecordSet',
        '@id': 'rows',
        name: 'rows',
        description: 'One record per training row, in training order.',
        key: { '@id': 'rows/row_id' },
        field: [...fields.map(fieldOf), sectionsField],
      },
    ],
  };
};

/**
 * Croissant 1.1 (http://mlcommons.org/croissant/1.1) over the Parquet layout. Licence, URL, creator and date of publication
 * are required there and not known here: they are in the file where the caller gives them.
 */
export const croissant: ExportFormat = {
  ...parquet,
  name: 'croissant',
  reader: 'mlcroissant and dataset search, over the same files as `--format parquet`',
  write: async (input) => {
    const files = await parquet.write(input);
    const data = files.get(parquetFile) ?? new Uint8Array();
    return files.set('croissant.json', new TextEncoder().encode(`${canonicalJson(documentOf(input, data))}\n`));
  },
};
