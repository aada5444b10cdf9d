import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Explanation } from '../../projections/explain';
import { presetNames } from '../../projections/policies/presets';
import type { TraceNode } from '../../projections/traceNode';
import { jsonOf, runCli, tinyConfig, tinyIteration, tinyLedger, type Ran } from '../support/cliBuild';
import { the } from '../support/events';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(300_000);

/** Every process of this file runs where neither a server nor a student can be called. */
const noModels = { NODE_OPTIONS: `--require ${join(__dirname, '..', 'support', 'noModels.js')}` };

let folder: string;
let ledger: string;
beforeAll(() => {
  folder = newFolder();
  ledger = tinyLedger(folder);
});
afterAll(removeFolders);

const run = (...args: readonly string[]): Promise<Ran> => runCli([...args, '--ledger', ledger], { env: noModels });
const json = async (...args: readonly string[]) => {
  const ran = await run(...args, '--json');
  if (ran.code !== 0 && ran.code !== 8) throw new Error(`exit ${ran.code}: ${ran.stderr}`);
  return jsonOf(ran);
};
const text = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

interface Logged {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}
const logged = async (...args: readonly string[]): Promise<readonly Logged[]> =>
  (await text('log', '--json', ...args))
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Logged => JSON.parse(line));

const countsOf = (events: readonly Logged[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};

interface Why {
  readonly answers: readonly {
    readonly dataset: string | null;
    readonly exact: boolean | null;
    readonly candidates: readonly Explanation[];
  }[];
  readonly missing: readonly unknown[];
}

describe('no model is called', () => {
  it('in this place: what needs one ends with its exit code', async () => {
    const ran = await run('evaluate', '--checkpoint', 'latest', '-q', '--max-tokens', '3');
    expect([ran.code, ran.stderr]).toEqual([11, expect.stringContaining('noModels: the runtime was asked for')]);
  });

  it('by a derivation under any preset: each gives counts, and no event but its own', async () => {
    const before = countsOf(await logged());
    for (const name of presetNames) {
      const made = await json('derive', '--policy', name, '--run', 'latest', '--iteration', '1');
      const reasons: Readonly<Record<string, number>> = made.byReason;
      const dropped = Object.values(reasons).reduce((sum, n) => sum + n, 0);
      expect([name, made.rows + dropped]).toEqual([name, made.candidates]);
      expect(made.candidates).toBeGreaterThan(0);
    }
    const { DatasetDerived: derived = 0, LedgerSealed: _, ...others } = countsOf(await logged());
    const { DatasetDerived: known = 0, LedgerSealed: __, ...same } = before;
    expect(others).toEqual(same);
    expect(derived).toBeGreaterThan(known);
  });
});

describe('why', () => {
  it('tells every rule over every attempt, the first that decided, and a change that works', async () => {
    const attempts = await logged('--type', 'AttemptMade');
    const closed = await logged('--type', 'TrajectoryClosed');
    const own = closed.filter(({ data }) => data['iteration'] === 1);
    const dropped = the(own.find(({ data }) => data['outcome'] === 'discarded'));
    const attempt = attempts.find(({ data }) => data['trajectoryId'] === dropped.data['trajectoryId']);
    const dataset = tinyIteration(1).dataset ?? '';
    const told: Why = await json('why', attempt?.id ?? String(dropped.data['trajectoryId']), '--dataset', dataset);
    expect(told.answers.map((each) => [each.dataset, each.exact])).toEqual([[dataset, true]]);
    const one = the(the(told.answers[0]).candidates[0]);
    expect([one.kind, one.decidedBy]).toEqual(['trajectory', `collect.${String(dropped.data['reason'])}`]);
    const all: Why = await json('why', String(dropped.data['problemId']));
    expect(all.answers.length).toBeGreaterThan(0);
    for (const answer of all.answers)
      for (const { kept, decidedBy, rules } of answer.candidates) {
        const failed = rules.filter(({ status }) => status === 'failed').map(({ rule }) => rule);
        expect(failed).toEqual(kept ? [] : [decidedBy]);
        expect(rules.length).toBeGreaterThan(8);
      }
    expect(all.missing).toEqual([]);
  });

  it('answers for a policy under which nothing was derived, and leaves the ledger as it is', async () => {
    const before = await logged();
    const policy = join(folder, 'short.yaml');
    writeFileSync(
      policy,
      'policy: 1\nname: short\nselect: { sources: [trajectories, gold] }\nadmit: { maxWords: 1 }\n',
    );
    const [closed] = await logged('--type', 'TrajectoryClosed');
    const trajectory = String(the(closed).data['trajectoryId']);
    const told: Why = await json('why', trajectory, '--policy', policy);
    expect(told.answers).toHaveLength(1);
    const { dataset, exact, candidates } = the(told.answers[0]);
    expect([dataset, exact, candidates.length]).toEqual([null, null, 1]);
    expect(the(candidates[0]).kept).toBe(false);
    for (const name of ['tripost', 'lmsi-vote']) {
      const lines = await text('why', trajectory, '--policy', name);
      expect(lines).toContain(`policy ${name}, iteration 1; nothing was recorded`);
      expect(lines).toMatch(/select\.source +passed/);
    }
    expect(await logged()).toEqual(before);
  });

  it('asks for a tokenizer where the policy counts tokens', async () => {
    const policy = join(folder, 'tokens.yaml');
    writeFileSync(policy, 'policy: 1\nname: tokens\nselect: { sources: gold }\nadmit: { maxTokens: 3 }\n');
    const posed = await logged('--type', 'ProblemPosed');
    const gold = posed.find(({ data }) => data['rationale'] !== null && data['split'] === 'train');
    const problem = String(the(gold).data['problemId']);
    const refused = await run('why', problem, '--policy', policy);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--tokenizer')]);
    const told: Why = await json('why', problem, '--policy', policy, '--tokenizer', 'latest');
    const row = the(the(told.answers[0]).candidates.find(({ kind }) => kind === 'gold'));
    const rule = row.rules.find((each) => each.rule === 'split.max-tokens');
    expect(rule).toMatchObject({ status: 'failed', threshold: 3, value: expect.any(Number) });
  });
});

describe('diff, funnel and tokens', () => {
  it('diff accounts for every row of tripost against tripost with balance.ratio 0.5', async () => {
    const half = join(folder, 'half.yaml');
    const preset = readFileSync(join(__dirname, '../../projections/policies/presets/tripost.yaml'), 'utf8');
    writeFileSync(half, preset.replace('ratio: 1.5', 'ratio: 0.5').replace('name: tripost', 'name: tripost-half'));
    const where = ['--run', 'latest', '--iteration', '1'];
    const a = await json('derive', '--policy', 'tripost-no-balance', ...where);
    const b = await json('derive', '--policy', half, ...where);
    const tripost = await json('derive', '--policy', 'tripost', ...where);
    // On so small a ledger several policies give the same bytes: manifests tell their derivations apart.
    for (const [one, two] of [
      [tripost.manifest, b.manifest],
      [a.manifest, b.manifest],
      [a.manifest, tripost.manifest],
    ]) {
      const made = await json('diff', one, two);
      const { rows, differences, byBucket, unit } = made;
      const shared = rows.unchanged + rows.reweighted + rows.reordered + rows.reweightedAndReordered;
      expect([rows.a, rows.b]).toEqual([shared + rows.removed, shared + rows.added]);
      expect(differences).toHaveLength(rows.added + rows.removed + shared - rows.unchanged);
      const totals: readonly { readonly a: { readonly rows: number } }[] = Object.values(byBucket);
      expect(totals.reduce((sum, each) => sum + each.a.rows, 0)).toBe(rows.a);
      expect(unit).toBe('characters');
      const list: readonly { readonly change: string; readonly decidedBy: unknown }[] = differences;
      const lacking = list.filter(({ change }) => change === 'added' || change === 'removed');
      expect(lacking.every(({ decidedBy }) => decidedBy !== null)).toBe(true);
    }
    const lines = await text('diff', a.manifest, b.manifest, '--rows', '1', '--tokenizer', 'latest');
    expect(lines).toMatch(/balance\.ratio: -1 -> 0\.5/);
    expect(lines).toMatch(/loss weight in tokens/);
    expect(lines).toMatch(/^a: \d+ rows = \d+ unchanged \+ .* removed$/m);
  });

  it('funnel goes from candidates to rows, recorded or not', async () => {
    const { dataset, rows } = tinyIteration(1);
    const made = await json('funnel', dataset ?? '');
    expect([made.dataset, made.out, made.missing]).toEqual([dataset, rows, []]);
    const losses: readonly { readonly lost: number }[] = made.losses;
    expect(made.in).toBe(made.out + losses.reduce((sum, { lost }) => sum + lost, 0));
    const under = await text('funnel', '--policy', 'tripost', '--run', 'latest', '--iteration', '1');
    expect(under).toContain('policy tripost; nothing was recorded');
    expect(under).toMatch(/candidates/);
    const both = await run('funnel', dataset ?? '', '--policy', 'tripost');
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('exclude each other')]);
  });

  it('tokens shows what the trainer was fed, and agrees with what it recorded', async () => {
    const { dataset } = tinyIteration(1);
    const made = await json('tokens', `${dataset}#0`);
    const tokens: readonly { readonly id: number; readonly text: string; readonly weight: number | null }[] =
      made.tokens;
    const traced = await json('trace', `${dataset}#0`, '--text');
    expect(tokens.map((token) => token.text).join('')).toBe(traced.text);
    expect(tokens[0]?.weight).toBeNull();
    const trainings: readonly { readonly steps: readonly { readonly agrees: boolean; readonly step: number }[] }[] =
      made.trainings;
    const steps = trainings.flatMap((each) => each.steps);
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.every(({ agrees }) => agrees)).toBe(true);
    const told: readonly TraceNode[] = traced.trace.children;
    const deep = (at: TraceNode): readonly TraceNode[] => [at, ...at.children.flatMap(deep)];
    const recorded = told.flatMap(deep).flatMap(({ label, detail }) => (label === 'step' ? [detail['step']] : []));
    expect(steps.map(({ step }) => step)).toEqual(expect.arrayContaining(recorded.slice(0, 1)));
    expect(await text('tokens', `${dataset}#0`)).toMatch(/section 0 prompt, weight 1: tokens 0 to \d+/);
    const problem = await logged('--type', 'ProblemPosed', '--limit', '1');
    const refused = await run('tokens', the(problem[0]).id);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('not a row')]);
  });

  it('trace goes one way, to a depth', async () => {
    const row = `${tinyIteration(1).dataset}#0`;
    const forward = await json('trace', row, '--direction', 'forward');
    const deep = (at: TraceNode): readonly TraceNode[] => [at, ...at.children.flatMap(deep)];
    const labels = new Set(deep(forward.trace).map(({ label }) => label));
    for (const label of [
      'in dataset',
      'trained by',
      'into checkpoint',
      'generated',
      'gave rows to dataset',
      'scored by',
    ])
      expect([label, labels.has(label)]).toEqual([label, true]);
    expect(labels.has('prompt')).toBe(false);
    const cut = await json('trace', row, '--depth', '1', '--direction', 'back');
    expect(cut.trace.children[0]).toMatchObject({ label: 'prompt', children: [], detail: { hidden: 1 } });
  });
});

describe('where blobs of datasets are gone', () => {
  it('every question is answered from the events as before, and says what is missing', async () => {
    const { dataset } = tinyIteration(1);
    const questions = [
      ['why', `${dataset}#0`, '--dataset', dataset ?? ''],
      ['trace', `${dataset}#0`],
      ['funnel', dataset ?? ''],
      ['tokens', `${dataset}#0`],
      ['diff', dataset ?? '', tinyIteration(2).dataset ?? ''],
    ];
    const before = [];
    for (const question of questions) before.push(await json(...question));
    const derived = await logged('--type', 'DatasetDerived');
    const lost = new Set(
      derived.flatMap(({ data }) => [data['dataset'], data['decisions'], data['manifest']]).map(String),
    );
    const blobs = `${ledger}.blobs`;
    const files = readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
    const removed = files.filter(({ name }) => lost.has(name));
    expect(removed.length).toBeGreaterThan(3);
    for (const { parentPath, name } of removed) rmSync(join(parentPath, name));
    for (const [i, question] of questions.entries()) {
      const { missing, ...answer } = await json(...question);
      const { missing: none, ...same } = before[i];
      expect([question[0], none]).toEqual([question[0], []]);
      expect([question[0], answer]).toEqual([question[0], same]);
      expect(missing.length).toBeGreaterThan(0);
      expect(missing[0]).toMatchObject({
        because: 'BlobMissing',
        instead: 'made again from the events: the same bytes',
      });
    }
    expect(await text('why', `${dataset}#0`)).toMatch(/^missing: (rows|decisions) of dataset /m);
    expect(await text('trace', `${dataset}#0`)).toMatch(/^missing: rows of dataset .*BlobMissing/m);
    // tinyConfig's own policy is a file: its document is in the event, so the file is not needed.
    expect(readFileSync(tinyConfig, 'utf8')).toContain('policy:');
  });
});
