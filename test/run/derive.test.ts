import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import { sha256 } from '../../events/digest';
import { eventRetracted } from '../../events/eventRetracted';
import type { LedgerEvent } from '../../events/index';
import { labelGiven } from '../../events/labelGiven';
import { deriveDataset } from '../../projections/deriveDataset';
import { provideModule } from '../../projections/policies/customRules';
import { Policy } from '../../projections/policies/policy';
import { presetNames } from '../../projections/policies/presets';
import { memoryBlobStore } from '../../src/adapters/memory/blobStore';
import type { EventLog } from '../../src/ports/eventLog';
import { counterOf } from '../../src/run/counter';
import { derive, loadRows } from '../../src/run/derive';
import { loadTokenizer } from '../../src/train/tokenizer';
import { byteLevelTokenizer } from '../../src/train/trainTokenizer';
import { anySpecs, interleaved, ledgerOf } from '../projections/arbitraryLedger';
import { anyPolicy } from '../projections/arbitraryPolicy';
import { policyOf, preset } from '../projections/policyFiles';
import { must, the } from '../support/events';
import { logOf } from '../support/logOf';
import { smallLedger } from '../support/smallLedger';

const tokenizer = must(loadTokenizer(byteLevelTokenizer()));

/** The same with a limit of tokens that some rows keep to: one token a byte. */
const countingBytes = (policy: Policy): Policy => {
  const { maxTokens } = policy.admit;
  return { ...policy, admit: { ...policy.admit, maxTokens: maxTokens === null ? null : 80 * maxTokens } };
};

const policies = presetNames.map((name) => preset(name));

/** Derives from the log in one pass and from memory, and holds one against the other, to the byte. */
const compare = async (
  events: readonly LedgerEvent[],
  policy: Policy,
  scope: { runId?: string; iteration?: number },
) => {
  const log = await logOf(events);
  const blobs = memoryBlobStore();
  const { manifest, event } = must(await derive({ policy, seed: 5, scope, tokenizer }, { log, blobs }));
  const whole = deriveDataset(events, policy, {
    seed: 5,
    scope,
    ...counterOf(tokenizer),
    ledger: event.ledger,
  });
  expect(manifest).toEqual(whole.manifest);
  const bytes = async (digest: string) => Buffer.from(must(await blobs.get(digest)())).toString();
  expect(await bytes(event.dataset)).toBe(Buffer.from(whole.datasetBytes).toString());
  expect(await bytes(event.decisions)).toBe(Buffer.from(whole.decisionsBytes).toString());
  expect(await bytes(event.manifest)).toBe(Buffer.from(whole.manifestBytes).toString());
  expect(must(await loadRows(blobs, event.dataset))).toEqual(whole.rows);
  return whole;
};

describe('deriving from the log gives the bytes of deriving in memory', () => {
  it.each(presetNames)('of the small ledger under %s', async (name) => {
    const { events } = smallLedger();
    for (const iteration of [1, 2]) {
      const { decisions } = await compare(events, preset(name), { runId: 'run-a', iteration });
      expect(decisions.length).toBeGreaterThan(0);
    }
  });

  it('where a module brings rules that read texts, and weights follow labels and verdicts', async () => {
    const source = sha256('rules that read texts');
    const textOf = (u: unknown): string => JSON.stringify(u);
    provideModule({
      module: './texts.mjs',
      source,
      rules: new Map([
        ['even', { stage: 'trajectory', prepare: () => (view: unknown) => ({ passed: textOf(view).length % 3 > 0 }) }],
        ['short', { stage: 'row', prepare: () => (view: unknown) => ({ passed: textOf(view).length % 7 > 0 }) }],
      ]),
    });
    const rules = ['even', 'short'].map((name) => ({ module: './texts.mjs', name, source, with: null }));
    const factors = [{ sections: ['feedback', 'improvement'], answer: 'right', times: 3 }];
    const decoded = Policy.decode({ policy: 1, name: 'own', rules, factors });
    const { decisions, rows } = await compare(smallLedger().events, must(decoded), {});
    expect(new Set(decisions.map(({ rule }) => rule))).toContain('admit.custom.even');
    expect(rows.flatMap(({ sections }) => sections.map(({ weight }) => weight))).toContain(3);
  });

  it('of any ledger with notes on any events, in any order, under every preset and any policy', async () => {
    const anyScope = fc.constantFrom(
      {},
      { runId: 'run-a', iteration: 1 },
      { runId: 'run-a', iteration: 2 },
      { iteration: 2 },
    );
    const notes = fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 3 });
    const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 30 });
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(
        anySpecs,
        fc.oneof(fc.constantFrom(...policies), anyPolicy.map(countingBytes)),
        anyScope,
        notes,
        picks,
        async (specs, policy, scope, noted, order) => {
          const ledger = ledgerOf(specs);
          for (const [pick, isRetraction] of noted) {
            const { id: eventId } = the(ledger.events[pick % ledger.events.length]);
            if (isRetraction) ledger.add(eventRetracted, { eventId, reason: 'wrong', by: 'ana' });
            else ledger.add(labelGiven, { eventId, label: 'odd', value: true, by: 'ben', supersedes: null });
          }
          kept += (await compare(interleaved(ledger.events, order), policy, scope)).rows.length;
        },
      ),
      { numRuns: 150 },
    );
    expect(kept).toBeGreaterThan(0);
  });
});

describe('a derivation', () => {
  it('is recorded once for the same rows and decisions, whatever was appended since', async () => {
    const log = await logOf(smallLedger().events);
    const blobs = memoryBlobStore();
    const request = { policy: preset('tripost'), seed: 1, scope: {} };
    const first = must(await derive(request, { log, blobs }));
    const size = (await log.head()).size;
    const again = must(await derive(request, { log, blobs }));
    expect(again.event).toEqual(first.event);
    expect((await log.head()).size).toBe(size);
  });

  it('names an event that was changed, and one that this version does not know, though it reads neither', async () => {
    const log = await logOf(smallLedger().events);
    const blobs = memoryBlobStore();
    const request = { policy: preset('tripost'), seed: 1, scope: {} };
    const changed: EventLog = {
      ...log,
      readPages: async function* (options) {
        for await (const page of log.readPages(options))
          yield page.map((event) =>
            event.type === 'RunStarted' ? { ...event, dataText: event.dataText.replace('42', '43') } : event,
          );
      },
    };
    expect(await derive(request, { log: changed, blobs })).toMatchObject(
      E.left({
        tag: 'BadData',
        type: 'RunStarted',
        details: [expect.stringContaining('changed after it was written')],
      }),
    );
    must(
      await log.append('new', 'noStream', [{ id: sha256('new'), type: 'Unheard', version: 1, data: {}, meta: {} }])(),
    );
    expect(await derive(request, { log, blobs })).toMatchObject(E.left({ tag: 'UnknownType', type: 'Unheard' }));
  });

  it('names what its policy cannot do without', async () => {
    const log = await logOf(smallLedger().events);
    const policy = policyOf('policy: 1\nname: short\nadmit: { maxTokens: 5 }\n');
    await expect(derive({ policy, seed: 1, scope: {} }, { log, blobs: memoryBlobStore() })).rejects.toThrow(
      'give countTokens',
    );
  });
});
