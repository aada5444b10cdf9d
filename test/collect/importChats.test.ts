import * as E from 'fp-ts/Either';
import { decodeEvent, type LedgerEvent } from '../../events/index';
import { deriveDataset } from '../../projections/deriveDataset';
import { textOf } from '../../projections/replayDataset';
import { sha256 } from '../../events/digest';
import { questionIndex, readChat, type ChatAnswer } from '../../src/collect/chatLog';
import { answersOnly, scriptedEditor, type Editor } from '../../src/collect/editor';
import { importChats, type ImportChatsRequest } from '../../src/collect/importChats';
import { paperOptions } from '../../src/collect/trajectoryState';
import { verify } from '../../src/ledger/verify';
import type { EventLog } from '../../src/ports/eventLog';
import { dateUnderstanding } from '../../src/tasks/dateUnderstanding/dateUnderstanding';
import { multistepArithmetic } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import { preset } from '../projections/policyFiles';
import { collect, must, the } from '../support/events';
import { bare, newLog, poseSeven, script } from './collectSupport';

const chat = (line: object, n = 1): ChatAnswer => {
  const read = readChat(JSON.stringify(line), n);
  if (!read.ok) throw new Error(read.message);
  return read.answer;
};
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });

describe('a line of a chat log', () => {
  it('is what was asked and what was answered', () => {
    const answer = chat({ messages: [user('Q'), assistant('A')], model: 'm', finish_reason: 'length', max_tokens: 9 });
    expect(answer).toMatchObject({
      prompt: 'Q',
      question: 'Q',
      answer: 'A',
      model: 'm',
      finish: 'length',
      maxTokens: 9,
    });
    const parts = [
      { type: 'text', text: 'A' },
      { type: 'text', text: 'B' },
    ];
    const usage = { prompt_tokens: 3, completion_tokens: 4 };
    expect(chat({ messages: [user('Q'), assistant(parts)], temperature: 0.5, top_p: 0.9, usage })).toMatchObject({
      answer: 'AB',
      model: null,
      temperature: 0.5,
      topP: 0.9,
      finish: 'eos',
      usage: { promptTokens: 3, completionTokens: 4 },
    });
  });

  it('keeps every message in front of the answer', () => {
    const messages = [{ role: 'system', content: 'Be brief.' }, user('Q'), assistant('A')];
    expect(JSON.parse(chat({ messages }).prompt)).toEqual(messages.slice(0, -1));
  });

  it.each([
    ['{"messages": [', 'it is no JSON'],
    ['[]', 'it is no JSON object'],
    ['{}', 'messages is missing or no list'],
    [JSON.stringify({ messages: [{ role: 'tool', content: 'x' }] }), 'messages[0].role is none of'],
    [JSON.stringify({ messages: [user(null)] }), 'messages[0].content is no text'],
    [JSON.stringify({ messages: [user([{ type: 'image_url' }])] }), 'messages[0].content is no text'],
    [JSON.stringify({ messages: [user('Q')] }), 'expected one message of the assistant, at the end'],
    [JSON.stringify({ messages: [user('Q'), assistant('A'), user('R'), assistant('B')] }), 'expected one message'],
    [JSON.stringify({ messages: [assistant('A')] }), 'there is no message of a user'],
    [JSON.stringify({ messages: [user('Q'), assistant(' ')] }), 'the answer is empty'],
    [JSON.stringify({ messages: [user('Q'), assistant('A')], model: 3 }), 'model is no text'],
  ])('refused: %s', (json, message) => {
    const read = readChat(json, 7);
    expect(read.ok ? '' : read.message).toMatch(/^line 7: /);
    expect(read.ok ? '' : read.message).toContain(message);
  });
});

const eventsOf = async (log: EventLog): Promise<readonly LedgerEvent[]> =>
  (await collect(log.readAll())).map((event) => must(decodeEvent(event)));

describe('importing chats', () => {
  const file = sha256('the log');
  const settings = { edit: paperOptions, rightAnswer: 'fbk' } as const;

  /** Three answers to two problems by two models: right, wrong, right. */
  const ready = async () => {
    const log = newLog();
    const problems = await poseSeven(log);
    const find = questionIndex(problems);
    const [one, two] = [the(problems[0]), the(problems[1])];
    const wrong = the(script.injections(bare(one))[0]).attempt;
    const lines = [
      { messages: [user(one.prompt), assistant(script.gold(bare(one)))], model: 'big' },
      { messages: [user(`  Q: ${one.question}\n\n`), assistant(wrong)], model: 'big' },
      { messages: [user(two.prompt), assistant(`\n${script.gold(bare(two))}`)], model: 'small' },
    ];
    const answers = lines.map((line, i) => {
      const read = chat(line, i + 1);
      return { chat: read, problem: the(find(read.question)), model: the(read.model ?? undefined) };
    });
    const request: ImportChatsRequest = { answers, file, problemSet: one.set, temperature: 0.7, settings };
    return { log, problems, request, one, two };
  };
  const ports = (log: EventLog, editor: Editor = scriptedEditor(script)) => ({
    log,
    editor,
    task: multistepArithmetic,
  });

  it('writes a trajectory for each answer, by the model that the log names, and edits it as a collection does', async () => {
    const { log, request, one } = await ready();
    const imported = must(await importChats(request, ports(log)));
    expect(imported).toMatchObject({ added: 3, known: 0, outcomes: { solved: 3 } });
    expect(imported.collections).toHaveLength(2);
    const events = await eventsOf(log);
    const generations = events.flatMap((event) => (event.type === 'GenerationProduced' ? [event.data] : []));
    expect(generations.map(({ model, pass, author }) => [model, pass, author])).toEqual([
      [{ kind: 'endpoint', name: 'big' }, 0, 'student'],
      [{ kind: 'endpoint', name: 'big' }, 1, 'student'],
      [{ kind: 'endpoint', name: 'small' }, 0, 'student'],
    ]);
    expect(generations[0]).toMatchObject({
      prompt: one.prompt,
      text: `\n${script.gold(bare(one))}`,
      sampling: { temperature: 0.7 },
      seedKey: ['chat', file, 1],
    });
    const second = events.filter((event) => event.stream === `trajectory-${the(generations[1]).trajectoryId}`);
    expect(second.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'AttemptMade',
        'AnswerVerified',
        'FeedbackGiven',
        'ImprovementProduced',
        'TrajectoryClosed',
      ]),
    );
    expect(await verify(log)).toMatchObject({ damaged: 0 });
  });

  it('gives rows under a policy, the answer of the log among them', async () => {
    const { log, request, one } = await ready();
    must(await importChats(request, ports(log)));
    const { rows } = deriveDataset(await eventsOf(log), preset('tripost-no-balance'), { seed: 1 });
    expect(rows.map(textOf)).toContainEqual(expect.stringContaining(`${one.prompt}\n${script.gold(bare(one))}`));
    expect(rows.some(({ bucket }) => bucket === 'SI')).toBe(true);
  });

  it('adds nothing the second time, and goes on where it was cut off', async () => {
    const { log, request } = await ready();
    must(await importChats({ ...request, answers: request.answers.slice(0, 1) }, ports(log)));
    expect(must(await importChats(request, ports(log)))).toMatchObject({ added: 2, known: 1 });
    const { size } = await log.head();
    expect(must(await importChats(request, ports(log)))).toMatchObject({ added: 0, known: 3, outcomes: {} });
    expect((await log.head()).size).toBe(size);
    const whole = await ready();
    must(await importChats(whole.request, ports(whole.log)));
    const leaves = async (of: EventLog) => (await collect(of.readAll())).map(({ leaf }) => leaf);
    expect(new Set(await leaves(log))).toEqual(new Set(await leaves(whole.log)));
  });

  it('of another file is another collection', async () => {
    const { log, request } = await ready();
    const first = must(await importChats(request, ports(log)));
    const other = must(await importChats({ ...request, file: sha256('another log') }, ports(log)));
    expect(other.added).toBe(3);
    expect(other.collections.filter((id) => first.collections.includes(id))).toEqual([]);
  });

  it('discards what is in no form, and says so', async () => {
    const { log, request, one } = await ready();
    const idle = chat({ messages: [user(one.prompt), assistant('I would rather not.')], model: 'big' });
    const answers = [{ chat: idle, problem: one, model: 'big' }];
    expect(must(await importChats({ ...request, answers }, ports(log))).outcomes).toEqual({ discarded: 1 });
  });

  it('for a task without a script keeps right answers, and discards wrong ones', async () => {
    const { log, request, one } = await ready();
    const problem = { ...one, task: 'date-understanding', answer: 'B' };
    const answer = (letter: string) => ({
      chat: chat({ messages: [user('?'), assistant(`(1) It is so.\n(Final response) So the answer is (${letter}).`)] }),
      problem,
      model: 'big',
    });
    const done = await importChats(
      {
        ...request,
        answers: [answer('B'), answer('A')],
        settings: { edit: paperOptions, rightAnswer: 'answer-match' },
      },
      { log, editor: answersOnly, task: dateUnderstanding },
    );
    expect(must(done).outcomes).toEqual({ solved: 1, discarded: 1 });
  });

  it('stops at the first append that fails', async () => {
    const { log, request } = await ready();
    const full: EventLog = {
      ...log,
      append: () => async () => E.left({ tag: 'NoSpace', where: 'here', message: 'full' }),
    };
    expect(await importChats(request, ports(full))).toMatchObject({ left: { tag: 'NoSpace' } });
  });
});
