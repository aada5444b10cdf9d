import * as E from 'fp-ts/Either';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/PathReporter';
import { Author, Count, DigestText, Finite, nullable } from '../events/codecs';
import { canonicalJson } from '../events/digest';
import { oneOf } from './policies/codecs';
import { unitKinds } from './policies/policy';

/** The file formats of a derived dataset: rows and decisions are JSON Lines of canonical JSON, the manifest one object. */

export const SectionKind = t.keyof({ prompt: null, attempt: null, feedback: null, improvement: null }, 'SectionKind');
export type SectionKind = t.TypeOf<typeof SectionKind>;

/** x_SI, x_T, x_GT, and rows that hold an answer without its rationale. */
export const Bucket = t.keyof({ SI: null, T: null, GT: null, answer: null }, 'Bucket');
export type Bucket = t.TypeOf<typeof Bucket>;

/** A span of a row. `author` is null for a prompt and for a gold text of unknown hand. */
export const Section = t.strict(
  { kind: SectionKind, text: t.string, weight: Finite, eventId: t.string, author: nullable(Author) },
  'Section',
);
export type Section = t.TypeOf<typeof Section>;

/** The sections' texts, joined by nothing, are the training text; `end`: an end-of-text token follows them. */
export const Row = t.strict(
  {
    id: t.string,
    bucket: Bucket,
    problemId: t.string,
    trajectoryId: nullable(t.string),
    iteration: nullable(Count),
    sections: t.array(Section),
    end: t.boolean,
  },
  'Row',
);
export type Row = t.TypeOf<typeof Row>;

const Kind = oneOf('trajectory', ...unitKinds);
const Measured = t.union([Finite, t.string, t.null], 'number | text | null');

/**
 * What became of one candidate: a whole trajectory that never got as far as rows (`trajectory`), or one possible row.
 * `rule` names the rule that decided (policies/rules.ts) with the value it measured and what it measured it against.
 */
export const Decision = t.strict(
  {
    candidateId: t.string,
    kind: Kind,
    bucket: nullable(Bucket),
    problemId: t.string,
    trajectoryId: nullable(t.string),
    iteration: nullable(Count),
    pass: nullable(Count),
    /** Events of the attempts and updates in it; `eventIds` has all its turns. */
    attemptIds: t.array(t.string),
    eventIds: t.array(t.string),
    kept: t.boolean,
    rule: t.string,
    value: Measured,
    threshold: Measured,
    rowId: nullable(t.string),
    detail: nullable(t.string),
  },
  'Decision',
);
export type Decision = t.TypeOf<typeof Decision>;

export const Manifest = t.strict(
  {
    format: t.literal(1),
    dataset: DigestText,
    decisions: DigestText,
    projection: t.strict({ name: t.string, version: Count }),
    policy: t.strict({ name: t.string, digest: DigestText }),
    scope: t.strict({ runId: nullable(t.string), iteration: nullable(Count), problemSet: nullable(t.string) }),
    seed: Count,
    tokenizer: nullable(t.string),
    ledger: nullable(t.strict({ size: Count, root: DigestText })),
    rows: Count,
    candidates: Count,
    byBucket: t.record(t.string, Count),
    byKind: t.record(t.string, Count),
    byReason: t.record(t.string, Count),
    /** Whether there are at least `min` rows; a run stops before training when there are not. */
    enough: t.boolean,
    min: Count,
  },
  'Manifest',
);
export type Manifest = t.TypeOf<typeof Manifest>;

const encoder = new TextEncoder();

/** Canonical JSON Lines, every line ended. */
export const toLines = (values: readonly unknown[]): Uint8Array =>
  encoder.encode(values.map((value) => `${canonicalJson(value)}\n`).join(''));

const fromLines = <A>(codec: t.Type<A, unknown>, bytes: Uint8Array | string): E.Either<string, readonly A[]> => {
  const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
  const out: A[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const json = E.tryCatch(
      (): unknown => JSON.parse(line),
      () => `line ${i + 1}: not JSON`,
    );
    if (E.isLeft(json)) return json;
    const decoded = codec.decode(json.right);
    if (E.isLeft(decoded)) return E.left(`line ${i + 1}: ${PathReporter.report(decoded).slice(0, 3).join('; ')}`);
    out.push(decoded.right);
  }
  return E.right(out);
};

/** Whether a row teaches an update: x_SI, whole or split. */
export const isImproved = (row: Row): boolean => row.sections.some((section) => section.kind === 'improvement');

/** Reads a dataset file. */
export const parseRows = (bytes: Uint8Array | string): E.Either<string, readonly Row[]> => fromLines(Row, bytes);

/** Reads a decisions file. */
export const parseDecisions = (bytes: Uint8Array | string): E.Either<string, readonly Decision[]> =>
  fromLines(Decision, bytes);

/** The text that a row trains on. */
export const textOf = (row: Pick<Row, 'sections'>): string => row.sections.map((s) => s.text).join('');
