import * as E from 'fp-ts/Either';
import type { DatasetDerived } from '../../events/datasetDerived';
import { canonicalJson } from '../../events/digest';
import type { LedgerEvent } from '../../events/index';
import { datasetProjection, type Derived } from '../../projections/deriveDataset';
import { CustomRuleError } from '../../projections/policies/customRuleFault';
import { missingRule } from '../../projections/policies/customRules';
import { Policy, policyDigest } from '../../projections/policies/policy';
import type { Rederived } from '../../projections/rederive';
import { parseDecisions, parseRows } from '../../projections/replayDataset';
import { createMerkleTree } from '../ledger/merkle';
import type { BlobStore } from '../ports/blobStore';
import { check, type Check, type Finding, type Reproduction } from './finding';

export interface DatasetPorts {
  readonly blobs: BlobStore;
  /** The dataset made again from the events before it (projections/rederive.ts), or why it cannot be. */
  readonly rederived: (recorded: DatasetDerived) => Promise<E.Either<string, Rederived>>;
}

/** The first line in which two JSON Lines documents differ. */
const firstDifference = <T>(
  expected: readonly T[],
  got: readonly T[],
  idOf: (line: T) => string,
): { readonly where: string; readonly expected: string; readonly got: string } | undefined => {
  const length = Math.max(expected.length, got.length);
  for (let i = 0; i < length; i++) {
    const [was, is] = [expected[i], got[i]];
    const [before, now] = [was, is].map((line) => (line === undefined ? 'nothing' : canonicalJson(line)));
    if (before === now) continue;
    const named = was ?? is;
    const short = (line: T | undefined): string => (line === undefined ? 'nothing' : idOf(line));
    const same = was !== undefined && is !== undefined && idOf(was) === idOf(is);
    return {
      where: `${i} (${named === undefined ? '' : idOf(named)})`,
      expected: same ? differing(was, is) : short(was),
      got: same ? differing(is, was) : short(is),
    };
  }
  return undefined;
};

/** The fields of a line that another line has otherwise. */
const differing = <T>(line: T, other: T): string => {
  const fields = Object.entries(line ?? {}).filter(
    ([name, value]) =>
      canonicalJson(value) !== canonicalJson(Object.entries(other ?? {}).find(([n]) => n === name)?.[1] ?? null),
  );
  const text = fields.map(([name, value]) => `${name}=${canonicalJson(value)}`).join(' ');
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
};

/** Events of this dataset's rows that were retracted after it was derived. */
const retractedSince = (
  recorded: DatasetDerived,
  derived: Derived,
  events: readonly LedgerEvent[],
): readonly Finding[] => {
  const notes = new Map<string, string>();
  for (const event of events.slice(recorded.ledger.size))
    if (event.type === 'EventRetracted') notes.set(event.data.eventId, `${event.data.by}: ${event.data.reason}`);
  if (notes.size === 0) return [];
  for (const [i, row] of derived.rows.entries()) {
    const section = row.sections.find(({ eventId }) => notes.has(eventId));
    if (section === undefined) continue;
    const touched = derived.rows.filter((each) => each.sections.some(({ eventId }) => notes.has(eventId))).length;
    return [
      {
        kind: 'retraction',
        of: recorded.dataset,
        where: `row ${i} (${row.id}), its ${section.kind}`,
        expected: `event ${section.eventId}`,
        got: 'retracted since',
        cause: `${notes.get(section.eventId) ?? ''}; ${touched} of ${derived.rows.length} rows stand on retracted events`,
      },
    ];
  }
  return [];
};

/**
 * Derives a recorded dataset again, from the very prefix of the ledger that it was folded from, and compares: the prefix
 * (Merkle root), the policy, rows, decisions, manifest. On a difference names the first row or decision. Rows that stand
 * on events retracted since are a finding too: the bytes are the same, what they rest on is not.
 * Throws a CustomRuleError where the policy has a rule that is not at hand.
 */
export const reproduceDataset = async (
  recorded: DatasetDerived,
  events: readonly LedgerEvent[],
  { blobs, rederived }: DatasetPorts,
): Promise<Reproduction> => {
  const { dataset, ledger } = recorded;
  const checks: Check[] = [];
  const findings: Finding[] = [];
  const differs = (kind: Finding['kind'], where: string, expected: string, got: string, cause: string): void =>
    void findings.push({ kind, of: dataset, where, expected, got, cause });

  const prefix = events.slice(0, ledger.size);
  const tree = createMerkleTree();
  for (const event of prefix) tree.append(event.leaf);
  checks.push(check(`ledger prefix of ${ledger.size} events`, dataset, tree.root() === ledger.root, prefix.length));
  if (tree.root() !== ledger.root) {
    differs(
      'input',
      `the first ${ledger.size} events`,
      ledger.root,
      tree.root(),
      'the ledger was changed: `tripost verify` names the event',
    );
    return { checks, findings };
  }
  const policy = Policy.decode(recorded.policy.document);
  const digest = E.isRight(policy) ? policyDigest(policy.right) : 'not a policy of this version';
  checks.push(check('policy', dataset, digest === recorded.policy.digest));
  if (E.isLeft(policy) || digest !== recorded.policy.digest) {
    differs(
      'input',
      `policy ${recorded.policy.name}`,
      recorded.policy.digest,
      digest,
      'this version reads the recorded policy otherwise',
    );
    return { checks, findings };
  }
  // What is not at hand is not a difference: the asker names the module.
  const lacking = missingRule(policy.right);
  if (lacking !== undefined) throw new CustomRuleError(lacking);
  const made = await rederived(recorded);
  if (E.isLeft(made)) {
    differs('input', 'derivation', dataset, 'it cannot be made', made.left);
    return { checks, findings };
  }
  const { derived } = made.right;
  const { manifest } = derived;
  const same = manifest.dataset === dataset;
  checks.push(check('rows', dataset, same, derived.rows.length));
  checks.push(check('decisions', dataset, manifest.decisions === recorded.decisions, derived.decisions.length));
  const other = recorded.projection;
  const cause =
    other.version === datasetProjection.version
      ? 'other code: compare `codeVersion` of RunStarted or RunResumed with `tripost doctor`'
      : `projection ${other.name} ${other.version}, here ${datasetProjection.version}`;
  if (!same) {
    const stored = await blobs.get(dataset)();
    const rows = E.isRight(stored) ? parseRows(stored.right) : stored;
    const first = E.isRight(rows) ? firstDifference(rows.right, derived.rows, (row) => row.id) : undefined;
    if (first === undefined)
      differs('digest', 'rows', dataset, manifest.dataset, `${cause}; the stored rows cannot be read`);
    else differs('row', `row ${first.where}`, first.expected, first.got, cause);
  } else if (manifest.decisions !== recorded.decisions) {
    const stored = await blobs.get(recorded.decisions)();
    const lines = E.isRight(stored) ? parseDecisions(stored.right) : stored;
    const first = E.isRight(lines) ? firstDifference(lines.right, derived.decisions, (d) => d.candidateId) : undefined;
    if (first === undefined) differs('digest', 'decisions', recorded.decisions, manifest.decisions, cause);
    else differs('decision', `decision ${first.where}`, first.expected, first.got, cause);
  }
  return { checks, findings: [...findings, ...retractedSince(recorded, derived, events)] };
};
