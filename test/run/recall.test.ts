import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import type { BlobStore } from '../../src/ports/blobStore';
import { isAtHand, Past } from '../../src/run/past';
import { Recall } from '../../src/run/recall';
import { datasetDerivedOf, deriveDataset } from '../../projections/deriveDataset';
import { sha256, type Digest } from '../../events/digest';
import type { LedgerEvent } from '../../events/index';
import { must, the } from '../support/events';
import { logOf } from '../support/logOf';
import { smallLedger } from '../support/smallLedger';
import { preset } from '../projections/policyFiles';
import { addTrajectory, sum } from '../support/builders';

const { events } = smallLedger();
const ledger = { size: events.length, root: sha256('root') };
const derived = deriveDataset(events, preset('tripost'), {
  seed: 42,
  scope: { runId: 'run-a', iteration: 1 },
  ledger,
});
const recorded = datasetDerivedOf(derived);

const pastOfAll = async (all: readonly LedgerEvent[]): Promise<Past> =>
  new Past(await logOf(all), all.filter(isAtHand));

/** A store that lost these blobs, and counts what is asked of it. */
const storeWithout = async (...lost: readonly Digest[]): Promise<{ blobs: BlobStore; asked: string[] }> => {
  const whole = memoryBlobStore();
  for (const bytes of [derived.datasetBytes, derived.decisionsBytes, derived.manifestBytes])
    must(await whole.put(bytes)());
  const empty = memoryBlobStore();
  const asked: string[] = [];
  const get: BlobStore['get'] = (digest) => {
    asked.push(digest);
    return (lost.includes(digest) ? empty : whole).get(digest);
  };
  return { blobs: { ...whole, get }, asked };
};

it('reads what is there, and says nothing is missing', async () => {
  const { blobs } = await storeWithout();
  const recall = new Recall(await pastOfAll(events), blobs);
  expect(await recall.rows(recorded)).toEqual(derived.rows);
  expect(await recall.decisions(recorded)).toEqual(derived.decisions);
  expect(recall.missing).toEqual([]);
});

it('makes lost rows and decisions again from the events, and says which were lost', async () => {
  const { blobs } = await storeWithout(recorded.dataset, recorded.decisions, recorded.manifest);
  const more = smallLedger();
  addTrajectory(more, { pass: 3, sum: sum(1), says: [11] });
  const recall = new Recall(await pastOfAll(more.events), blobs);
  expect(await recall.rows(recorded)).toEqual(derived.rows);
  expect(await recall.decisions(recorded)).toEqual(derived.decisions);
  expect(recall.missing.map(({ what, digest, because, instead }) => [what, digest, because, instead])).toEqual([
    ['rows', recorded.dataset, 'BlobMissing', 'made again from the events: the same bytes'],
    ['decisions', recorded.decisions, 'BlobMissing', 'made again from the events: the same bytes'],
  ]);
});

it('gives nothing in the place of lost bytes that this version would make otherwise', async () => {
  const { blobs } = await storeWithout(recorded.dataset, recorded.decisions);
  const recall = new Recall(await pastOfAll(events.slice(0, -8)), blobs);
  const other = { ...recorded, seed: 43 };
  expect([await recall.rows(other), await recall.decisions(other)]).toEqual([undefined, undefined]);
  expect(the(recall.missing[0]).instead).toBe('nothing: this version makes other bytes from the events');
  const unread = { ...recorded, manifest: sha256('other'), policy: { ...recorded.policy, document: null } };
  const blind = new Recall(await pastOfAll(events), blobs);
  expect(await blind.rows(unread)).toBeUndefined();
  expect(the(blind.missing[0]).instead).toMatch(/^nothing: this version does not read its policy/);
});
