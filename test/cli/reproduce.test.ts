import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, runCli, tinyIteration, tinyLedger, tinyReport, type Ran } from '../support/cliBuild';
import { newFolder, removeFolders } from '../support/ledgerFile';

jest.setTimeout(240_000);
afterAll(removeFolders);

interface Answer {
  readonly equal: boolean;
  readonly parts: readonly {
    readonly kind: string;
    readonly id: string;
    readonly checks: readonly { readonly what: string; readonly equal: boolean; readonly count: number }[];
    readonly findings: readonly {
      readonly kind: string;
      readonly where: string;
      readonly expected: string;
      readonly got: string;
      readonly cause: string;
    }[];
  }[];
}

const reproduce = async (ledger: string, ...args: readonly string[]): Promise<{ ran: Ran; answer: Answer }> => {
  const ran = await runCli(['reproduce', ...args, '--ledger', ledger, '--json', '-q']);
  return { ran, answer: jsonOf(ran) };
};
const firstOf = ({ parts }: Answer) => parts.flatMap(({ findings }) => findings)[0];

describe('reproduce', () => {
  it('makes a whole run again, and says what it compared', async () => {
    const ledger = tinyLedger(newFolder());
    const { ran, answer } = await reproduce(ledger, 'latest');
    expect(ran.stderr).toBe('');
    expect(ran.code).toBe(0);
    expect(answer.equal).toBe(true);
    expect(answer.parts.map(({ kind }) => kind)).toEqual([
      'dataset',
      'training',
      'evaluation',
      ...Array.from({ length: tinyReport().iterations.length - 1 }, () => [
        'collection',
        'dataset',
        'training',
        'evaluation',
      ]).flat(),
    ]);
    for (const { checks } of answer.parts) {
      expect(checks.length).toBeGreaterThan(0);
      expect(checks.filter(({ equal, count }) => !equal || count === 0)).toEqual([]);
    }
    const whats = answer.parts.flatMap(({ checks }) => checks.map(({ what }) => what));
    for (const what of ['rows', 'decisions', 'policy', 'weights', 'fingerprints', 'texts', 'texts and token ids'])
      expect(whats).toContain(what);
    // Nothing of it is written.
    expect((await runCli(['verify', '--ledger', ledger, '--json'])).stdout).toContain(tinyReport().root);
  });

  it('does not depend on the number of threads or the batch', async () => {
    const ledger = tinyLedger(newFolder());
    const { ran } = await reproduce(ledger, tinyIteration(1).checkpoint, '--threads', '2');
    expect(ran.code).toBe(0);
    const texts = await reproduce(ledger, 'latest', '--only', 'evaluation', '--only', 'collection', '--batch', '1');
    expect(texts.ran.code).toBe(0);
  });

  it('names a changed option, then the first step that shows it', async () => {
    const ledger = tinyLedger(newFolder());
    const { checkpoint } = tinyIteration(1);
    const { ran, answer } = await reproduce(ledger, checkpoint, '-S', 'learningRate=0.5', '--only', 'training');
    expect(ran.code).toBe(6);
    const [input, step] = answer.parts[0]?.findings ?? [];
    expect(input).toMatchObject({ kind: 'input', where: 'config.learningRate', got: '0.5' });
    expect(step).toMatchObject({ kind: 'step', where: 'step 1, learning rate', cause: 'the input named above' });
  });

  it('names the tensor of a stored weight byte that was changed', async () => {
    const ledger = tinyLedger(newFolder());
    const { checkpoint, weights } = tinyIteration(1);
    const file = join(`${ledger}.blobs`, weights.slice(0, 2), weights);
    const bytes = readFileSync(file);
    const at = bytes.length - 3;
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    chmodSync(file, 0o644);
    writeFileSync(file, bytes);
    const { ran, answer } = await reproduce(ledger, checkpoint, '--only', 'training');
    expect(ran.code).toBe(6);
    expect(firstOf(answer)).toMatchObject({
      kind: 'tensor',
      where: expect.stringMatching(/^\S+, value \d+$/),
      got: expect.stringMatching(/; 1 of \d+ values differ$/),
      cause: expect.stringContaining('the stored file was changed'),
    });
  });

  it('names the row that stands on an event that was retracted since', async () => {
    const ledger = tinyLedger(newFolder());
    const dataset = tinyIteration(1).dataset ?? '';
    const [line = ''] = readFileSync(join(`${ledger}.blobs`, dataset.slice(0, 2), dataset), 'utf8').split('\n');
    const row: { readonly sections: readonly { readonly eventId: string }[] } = JSON.parse(line);
    const used = row.sections[0]?.eventId ?? '';
    expect(
      await runCli(['retract', used, '--reason', 'wrong answer', '--by', 'ana', '--ledger', ledger]),
    ).toMatchObject({ code: 0 });
    const { ran, answer } = await reproduce(ledger, dataset);
    expect(ran.code).toBe(6);
    expect(answer.parts[0]?.checks.every(({ equal }) => equal)).toBe(true);
    expect(firstOf(answer)).toMatchObject({
      kind: 'retraction',
      where: expect.stringMatching(/^row 0 \(/),
      expected: `event ${used}`,
      cause: expect.stringContaining('ana: wrong answer; '),
    });
  });

  it('refuses what is not there, and a setting that does not exist', async () => {
    const ledger = tinyLedger(newFolder());
    expect(await runCli(['reproduce', 'ffffffffff', '--ledger', ledger])).toMatchObject({ code: 2 });
    expect(await runCli(['reproduce', 'latest', '--only', 'rows', '--ledger', ledger])).toMatchObject({ code: 2 });
    const typo = await runCli([
      'reproduce',
      'latest',
      '-S',
      'learningrate=1',
      '--only',
      'training',
      '--ledger',
      ledger,
    ]);
    expect(typo).toMatchObject({ code: 2, stderr: expect.stringContaining('setting of the training') });
  });
});
