import * as E from 'fp-ts/Either';
import type * as t from 'io-ts';
import { PathReporter } from 'io-ts/PathReporter';
import writeFileAtomic from 'write-file-atomic';
import { canonicalJson } from '../../events/digest';
import { ConsistencyProof, InclusionProof, SealFile, type Proof } from '../ledger/proofFile';
import { sealsOf, type LedgerRoot, type StoredSeal } from '../ledger/seal';
import type { EventLog } from '../ports/eventLog';
import type { Context } from './command';
import { stop, usage } from './faults';
import { byPrefix } from './find';
import { readText, writing } from './inputFile';

const readJson = (path: string): unknown => {
  try {
    const value: unknown = JSON.parse(readText(path));
    return value;
  } catch (failure) {
    if (!(failure instanceof SyntaxError)) throw failure;
    return stop({ tag: 'InputUnreadable', path, message: `not JSON: ${failure.message}` });
  }
};

const formatOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;

const decoded = <A>(path: string, codec: t.Type<A, unknown>, value: unknown): A => {
  const result = codec.decode(value);
  if (E.isRight(result)) return result.right;
  const [first = ''] = PathReporter.report(result);
  return stop({ tag: 'InputUnreadable', path, message: `not as ${codec.name} is written: ${first.slice(0, 200)}` });
};

export const readProof = (path: string): Proof => {
  const value = readJson(path);
  const format = formatOf(value);
  if (format === 'tripost-inclusion-1') return decoded(path, InclusionProof, value);
  if (format === 'tripost-consistency-1') return decoded(path, ConsistencyProof, value);
  const message = `no proof: expected format "tripost-inclusion-1" or "tripost-consistency-1", got ${JSON.stringify(format)}`;
  return stop({ tag: 'InputUnreadable', path, message });
};

export const readSealFile = (path: string): SealFile => decoded(path, SealFile, readJson(path));

/** Writes a document to a file and says so, or prints it where none is named. */
export const deliver = async (
  document: Proof | SealFile,
  file: string | undefined,
  context: Context,
): Promise<void> => {
  if (file === undefined) return context.out.json(document);
  writing(file, () => writeFileAtomic.sync(file, `${canonicalJson(document)}\n`));
  context.note(`Written: ${file}`);
};

const whole = /^(0|[1-9][0-9]{0,14})$/;

/** A seal of the ledger: `latest`, the number of events it is over, or the beginning of its root or of its event's id. */
export const findSeal = async (log: EventLog, name: string): Promise<StoredSeal> => {
  const seals = await sealsOf(log);
  const bySize = whole.test(name) ? seals.find((seal) => seal.size === Number(name)) : undefined;
  if (bySize !== undefined) return bySize;
  const byId = seals.find((seal) => name.length >= 6 && seal.id.startsWith(name));
  if (byId !== undefined) return byId;
  const root = byPrefix(
    'seal',
    name,
    seals.map((seal) => seal.root),
  );
  return seals.findLast((seal) => seal.root === root) ?? stop({ tag: 'IdNotFound', what: 'seal', id: name, known: [] });
};

/**
 * A root that somebody kept: `<size>:<root>`, or the root alone where the ledger has a seal with it. The root is given
 * whole: a part of it could be matched on purpose.
 */
export const parseRoot = async (log: EventLog, flag: string, text: string): Promise<LedgerRoot> => {
  const [, size, root] = /^(?:(0|[1-9][0-9]{0,14}):)?([0-9a-f]{64})$/.exec(text) ?? [];
  if (root === undefined) return usage(`${flag}: expected <size>:<root>, or a root of 64 hex digits, got ${text}`);
  if (size !== undefined) return { size: Number(size), root };
  const found = (await sealsOf(log)).find((seal) => seal.root === root);
  if (found !== undefined) return { size: found.size, root };
  return usage(
    `${flag}: no seal on this ledger has the root ${root}. Where it is of events without a seal, give <size>:<root>`,
  );
};
