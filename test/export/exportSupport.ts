import * as fc from 'fast-check';
import { datasetDerived } from '../../events/datasetDerived';
import { contentId, digestOf, sha256, type Json } from '../../events/digest';
import { datasetDerivedOf, deriveDataset } from '../../projections/deriveDataset';
import type { PresetName } from '../../projections/policies/presets';
import { toLines, type Row } from '../../projections/replayDataset';
import type { ExportFormat, ExportInput } from '../../src/export/exportFormat';
import { formats } from '../../src/export/formats';
import { smallLedger } from '../support/smallLedger';
import { the } from '../support/events';
import { preset } from '../projections/policyFiles';

export const none = { bos: null, eos: null } as const;

const { events } = smallLedger();

const derive = (policy: PresetName): ExportInput => {
  const ledger = { size: events.length, root: sha256('root') };
  const found = deriveDataset(events, preset(policy), { seed: 42, scope: { runId: 'run-a', iteration: 1 }, ledger });
  const event = datasetDerivedOf(found);
  const { dataset, rows: _, byBucket: __, ...origin } = event;
  const entry = { type: 'DatasetDerived', recordedAt: '2026-11-24T00:00:00.000Z' } as const;
  const whole = { ...origin, eventId: datasetDerived.idOf(event) };
  return { dataset, rows: found.rows, origin: whole, entry, marks: none, about: {} };
};

const known = derive('tripost');

/** The small ledger's dataset under the paper's policy, as `tripost export` sees it. */
export const inputOf = (): ExportInput => known;

const at = (n: number): string => `${String(n).repeat(8)}-0000-8000-8000-000000000000`;
const document = { policy: 1, name: 'by-hand' };

/** Three rows and a derivation written by hand, for golden files: nothing that is derived or posed changes them. */
export const handmade = (): ExportInput => {
  const prompt = { kind: 'prompt', text: 'Q: 1 + 1 =\nAnswer:', weight: 1, eventId: at(1), author: null } as const;
  const attempt = { kind: 'attempt', text: '\n(1) 1 + 1 = 3.', weight: 0, eventId: at(2), author: 'student' } as const;
  const feedback = {
    kind: 'feedback',
    text: '\nFeedback: “3” is wrong. 😕',
    weight: 1.5,
    eventId: at(3),
    author: 'script',
  } as const;
  const improvement = {
    ...attempt,
    kind: 'improvement',
    text: '\nUpdated Answer:\n(1) 2.',
    weight: 1.5,
    eventId: at(4),
  } as const;
  const rows: readonly Row[] = [
    {
      id: at(5),
      bucket: 'SI',
      problemId: at(8),
      trajectoryId: at(9),
      iteration: 1,
      sections: [prompt, attempt, feedback, improvement],
      end: true,
    },
    {
      id: at(6),
      bucket: 'T',
      problemId: at(8),
      trajectoryId: at(9),
      iteration: 1,
      sections: [prompt, attempt, feedback],
      end: false,
    },
    {
      id: at(7),
      bucket: 'GT',
      problemId: at(8),
      trajectoryId: null,
      iteration: null,
      sections: [prompt, { ...attempt, weight: 1, author: null }],
      end: true,
    },
  ];
  const dataset = sha256(toLines(rows));
  const manifest = sha256('manifest');
  const origin = {
    eventId: contentId([datasetDerived.type, dataset, manifest]),
    policy: { name: 'by-hand', digest: digestOf(document), document },
    projection: { name: 'dataset', version: 1 },
    scope: { runId: 'run-a', iteration: 1, problemSet: 'sums' },
    tokenizer: null,
    seed: 42,
    ledger: { size: 1000, root: sha256('root') },
    candidates: 5,
    byReason: { kept: 3, 'admit.duplicate': 2 },
    decisions: sha256('decisions'),
    manifest,
  };
  return { ...inputOf(), dataset, rows, origin };
};

/** Other rows, of unknown derivation. */
export const inputWith = (rows: readonly Row[]): ExportInput => ({
  ...inputOf(),
  rows,
  dataset: sha256(toLines(rows)),
  origin: null,
});

export const format = (name: string): ExportFormat => the(formats.get(name));

export const linesOf = (bytes: Uint8Array | undefined): readonly Readonly<Record<string, Json>>[] =>
  new TextDecoder()
    .decode(the(bytes))
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Readonly<Record<string, Json>> => JSON.parse(line));

/** Text as people write it, astral characters and odd blanks among it; well-formed, as everything on a ledger is. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\n(1) a.\n', '😀 b', '\u2028', ' \u0000 ', '"\\'),
);
const weight = fc.constantFrom(0, 0.5, 1, 1.5, 2);
const author = fc.constantFrom('student' as const, 'teacher' as const, 'script' as const, null);

const section = (kind: fc.Arbitrary<Row['sections'][number]['kind']>) =>
  fc.record({ kind, text, weight, eventId: fc.uuid(), author });

/** Rows of every shape that a policy could make, prompt first. */
export const arbitraryRow: fc.Arbitrary<Row> = fc
  .record({
    id: fc.uuid(),
    bucket: fc.constantFrom('SI' as const, 'T' as const, 'GT' as const, 'answer' as const),
    problemId: fc.uuid(),
    trajectoryId: fc.option(fc.uuid()),
    iteration: fc.option(fc.nat()),
    prompt: section(fc.constant('prompt' as const)),
    written: fc.array(section(fc.constantFrom('attempt' as const, 'feedback' as const, 'improvement' as const)), {
      minLength: 1,
      maxLength: 5,
    }),
    end: fc.boolean(),
  })
  .map(({ prompt, written, ...rest }) => ({ ...rest, sections: [prompt, ...written] }));

export const arbitraryRows = fc.uniqueArray(arbitraryRow, { minLength: 1, maxLength: 6, selector: ({ id }) => id });
