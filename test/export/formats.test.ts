import * as fc from 'fast-check';
import * as E from 'fp-ts/Either';
import type * as t from 'io-ts';
import { PathReporter } from 'io-ts/PathReporter';
import { canonicalJson, sha256 } from '../../events/digest';
import { textOf, type Row } from '../../projections/replayDataset';
import { formats } from '../../src/export/formats';
import { lossesOf } from '../../src/export/losses';
import { exportDataset } from '../../src/export/writeExport';
import { expectGolden } from '../support/golden';
import { must, the } from '../support/events';
import { arbitraryRows, format, handmade, inputOf, inputWith, linesOf } from './exportSupport';
import { Alpaca, Axolotl, Messages, Openai, ProvenanceLine, Sharegpt, Trl } from './schemas';

type Line = Readonly<Record<string, unknown>>;
const dataFile = 'data/train.jsonl';

/** The text that a reader puts together, before it adds marks of its own. */
const joined: Readonly<Record<string, (line: Line) => string>> = {
  trl: ({ prompt, completion }) => `${String(prompt)}${String(completion)}`,
  messages: ({ messages }) => partsOf(messages, 'content'),
  openai: ({ messages }) => partsOf(messages, 'content'),
  axolotl: ({ segments }) => partsOf(segments, 'text'),
  sharegpt: ({ conversations }) => partsOf(conversations, 'value'),
  alpaca: ({ instruction, input, output }) => [instruction, input, output].map(String).join(''),
};
const partsOf = (list: unknown, field: string): string =>
  Array.isArray(list) ? list.map((item: Line) => String(item[field])).join('') : 'no list';

const schemas: Readonly<Record<string, t.Mixed>> = {
  trl: Trl,
  messages: Messages,
  axolotl: Axolotl,
  sharegpt: Sharegpt,
  alpaca: Alpaca,
  openai: Openai,
};

const chat = Object.keys(joined);

const provenanceOf = (line: unknown): t.TypeOf<typeof ProvenanceLine> => must(ProvenanceLine.decode(line));

describe.each([...formats.keys()])('as %s', (name) => {
  it('has these files, byte for byte, whenever it is written', async () => {
    const { files, digests } = await exportDataset(format(name), handmade());
    expect((await exportDataset(format(name), handmade())).digests).toEqual(digests);
    const list = Object.entries(digests).map(([path, digest]) => `${digest}  ${path}\n`);
    expectGolden(`exports/${name}/SHA256SUMS`, list.join(''));
    for (const [path, bytes] of files)
      if (!path.endsWith('.parquet')) expectGolden(`exports/${name}/${path}`, new TextDecoder().decode(bytes));
  });

  it('has a provenance with the digests of the other files and with what is lost', async () => {
    const input = inputOf();
    const { files, digests, losses } = await exportDataset(format(name), input);
    const provenance = JSON.parse(new TextDecoder().decode(the(files.get('provenance.json'))));
    const { 'provenance.json': _, ...others } = digests;
    expect(provenance).toMatchObject({ tripost: 'export', format: name, dataset: input.dataset, origin: input.origin });
    expect(provenance.files).toEqual(others);
    expect(provenance.losses).toEqual(losses);
  });

  it('names in its card every loss, the policy and the root of the ledger', async () => {
    const input = inputOf();
    const { files, losses } = await exportDataset(format(name), input);
    const card = new TextDecoder().decode(the(files.get('README.md')));
    for (const { text } of losses) expect(card).toContain(text);
    expect(card).toContain(the(input.origin?.policy.digest));
    expect(card).toContain(the(input.origin?.ledger.root));
    expect(losses.length > 0).toBe(!['jsonl', 'parquet', 'croissant'].includes(name));
  });
});

describe.each(chat)('every line as %s', (name) => {
  const linesAs = async (rows: readonly Row[]): Promise<readonly Line[]> =>
    linesOf((await format(name).write(inputWith(rows))).get(dataFile));

  it('has the documented form, and not a field more', async () => {
    const lines = linesOf((await format(name).write(inputOf())).get(dataFile));
    const schema = the(schemas[name]);
    for (const line of lines) {
      const decoded = schema.decode(line);
      expect(E.isRight(decoded) ? canonicalJson(decoded.right) : PathReporter.report(decoded)).toEqual(
        canonicalJson(line),
      );
    }
    expect(lines).toHaveLength(inputOf().rows.length);
  });

  it('is the training text exactly', async () => {
    const holds = async (rows: readonly Row[]): Promise<void> => {
      expect((await linesAs(rows)).map(the(joined[name]))).toEqual(rows.map(textOf));
    };
    await fc.assert(fc.asyncProperty(arbitraryRows, holds), { numRuns: 60 });
  });

  it('has provenance that cuts it into its sections', async () => {
    const holds = async (rows: readonly Row[]): Promise<void> => {
      const files = await format(name).write(inputWith(rows));
      const lines = linesOf(files.get(name === 'openai' ? 'provenance.jsonl' : dataFile)).map(provenanceOf);
      const cut = lines.map(({ row_id: id, end_of_text: end, sections }, i) => {
        const points = Array.from(textOf(the(rows[i])));
        const parts = sections.map(({ kind, start, end: to, weight, event_id: eventId, author }) => {
          return { kind, text: points.slice(start, to).join(''), weight, eventId, author };
        });
        return { id, end, sections: parts };
      });
      expect(cut).toEqual(rows.map(({ id, end, sections }) => ({ id, end, sections })));
    };
    await fc.assert(fc.asyncProperty(arbitraryRows, holds), { numRuns: 60 });
  });

  it('loses no weight that is not counted', () => {
    const holds = (rows: readonly Row[]): void => {
      const input = inputWith(rows);
      const weights = format(name).weights ?? (() => []);
      const differ = rows.flatMap((row) => row.sections.filter(({ weight }, i) => weights(row)[i] !== weight)).length;
      const counted = lossesOf(format(name), input)
        .filter(({ what }) => what === 'weight')
        .reduce((sum, { count }) => sum + count, 0);
      expect(counted).toBe(differ);
    };
    fc.assert(fc.property(arbitraryRows, holds), { numRuns: 60 });
  });
});

describe('what a reader is told to train on', () => {
  const sections: Row['sections'] = [
    { kind: 'prompt', text: 'Q', weight: 0, eventId: 'p', author: null },
    { kind: 'attempt', text: 'A', weight: 0, eventId: 'a', author: 'student' },
    { kind: 'feedback', text: 'F', weight: 1.5, eventId: 'f', author: 'script' },
    { kind: 'improvement', text: 'I', weight: 1, eventId: 'i', author: 'script' },
  ];
  const row: Row = { id: 'r', bucket: 'SI', problemId: 'p', trajectoryId: null, iteration: null, sections, end: true };
  const first = async (name: string, input = inputWith([row])): Promise<unknown> =>
    linesOf((await format(name).write(input)).get(dataFile))[0];

  it('axolotl: a label for each section, begin and end tokens where they are given', async () => {
    const segments = [
      { label: false, text: 'Q' },
      { label: false, text: 'A' },
      { label: true, text: 'F' },
      { label: true, text: 'I' },
    ];
    expect(await first('axolotl')).toMatchObject({ segments });
    const marked = { ...inputWith([row]), marks: { bos: '<s>', eos: '</s>' } };
    const all = [{ label: false, text: '<s>' }, ...segments, { label: true, text: '</s>' }];
    expect(await first('axolotl', marked)).toMatchObject({ segments: all });
    expect(lossesOf(format('axolotl'), inputWith([row])).map(({ what }) => what)).toContain('end');
    expect(lossesOf(format('axolotl'), marked).map(({ what }) => what)).not.toContain('end');
    const open = { ...marked, rows: [{ ...row, end: false }] };
    expect(await first('axolotl', open)).toMatchObject({ segments: all.slice(0, -1) });
  });

  it('openai: an assistant message for each stretch of one weight', async () => {
    expect(await first('openai')).toEqual({
      messages: [
        { role: 'user', content: 'Q' },
        { role: 'assistant', content: 'A', weight: 0 },
        { role: 'assistant', content: 'FI', weight: 1 },
      ],
    });
  });

  it('openai: rows that it trains on nothing of are counted', () => {
    const silent = { ...row, sections: sections.map((each) => ({ ...each, weight: 0 })) };
    const losses = lossesOf(format('openai'), inputWith([row, silent]));
    expect(losses.find(({ what }) => what === 'untrained')).toMatchObject({ count: 1 });
  });

  it('everywhere else: the completion, and a row without an end token is counted', () => {
    const losses = lossesOf(format('trl'), inputWith([row, { ...row, id: 'o', end: false }]));
    expect(losses.map(({ text }) => text)).toEqual([
      'attempt sections of weight 0 count as 1 (2 sections)',
      'feedback sections of weight 1.5 count as 1 (2 sections)',
      'rows without an end-of-text token get one from the reader (1 row)',
    ]);
  });

  it('a row without a prompt, or with nothing else, is counted', () => {
    const bare = { ...row, sections: sections.slice(0, 1) };
    const headless = { ...row, sections: sections.slice(1) };
    const found = lossesOf(format('alpaca'), inputWith([bare, headless])).map(({ what }) => what);
    expect(found).toEqual(expect.arrayContaining(['no-completion', 'no-prompt', 'untrained']));
  });
});

describe('jsonl', () => {
  it('is the dataset: its SHA-256 is the digest', async () => {
    const input = inputOf();
    expect(sha256(the((await format('jsonl').write(input)).get(dataFile)))).toBe(input.dataset);
  });
});

describe('LLaMA-Factory', () => {
  it.each(['sharegpt', 'alpaca'])('finds %s by its dataset_info.json', async (name) => {
    const files = await format(name).write(inputOf());
    const info = JSON.parse(new TextDecoder().decode(the(files.get('dataset_info.json'))));
    const [key, entry] = the(Object.entries<Readonly<Record<string, unknown>>>(info)[0]);
    expect(key).toBe(`tripost_${inputOf().dataset.slice(0, 12)}`);
    expect(files.has(String(entry['file_name']))).toBe(true);
    expect(entry['formatting']).toBe(name);
  });
});
