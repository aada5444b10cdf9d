import { readdirSync } from 'node:fs';
import * as E from 'fp-ts/Either';
import { digestOf } from '../../events/digest';
import { loadPrompts, shippedPrompts } from '../../src/cli/promptFolder';
import { parseNote, parsePrompt, promptKinds, type PromptKind } from '../../src/prompts/promptDocument';
import { messagesOf, promptBytes, repairOf, type PromptSet } from '../../src/prompts/promptSet';
import { readAnswer, readFeedback, readImprovement } from '../../src/prompts/replies';
import { shownProblem } from '../../src/prompts/examples';
import { tasks } from '../../src/tasks';
import { splitAttempt } from '../../src/tasks/attemptText';
import type { Task } from '../../src/tasks/task';
import { expectGolden } from '../support/golden';
import { the } from '../support/events';

const all = [...tasks.values()];

const drawn = (task: Task, index = 3) => {
  const script = the(task.script);
  const config = script.configure({});
  if (!config.ok) throw new Error(config.message);
  return script.generate(config.config, 1, 'seen', index);
};

const values = (task: Task, kind: PromptKind): Readonly<Record<string, string>> => {
  const problem = drawn(task);
  const attempt = the(task.script).gold(problem);
  return { attempt, feedback: 'Feedback.', answer: problem.answer, ...(kind === 'rationale' ? {} : {}) };
};

describe('the shipped prompts', () => {
  it('are one of each kind, and a note for each task', () => {
    const names = readdirSync(shippedPrompts).map((file) => file.replace(/\.yaml$/, ''));
    expect(names.sort()).toEqual([...promptKinds, ...tasks.keys()].sort());
  });

  it.each(all.map((task) => [task.name, task] as const))(
    '%s: every kind is whole, with examples by its script',
    (_, task) => {
      const prompts: PromptSet = loadPrompts(task, undefined);
      for (const kind of promptKinds) {
        const prompt = prompts[kind];
        expect(prompt.examples.length).toBe(prompt.shown + 1);
        expect(prompt.system).not.toContain('{');
        const problem = drawn(task);
        const messages = messagesOf(prompt, task, problem, values(task, kind));
        expect(messages.map(({ role }) => role)).toEqual([
          'system',
          ...Array.from({ length: prompt.shown }, () => ['user', 'assistant']).flat(),
          'user',
        ]);
        expect(messages.at(-1)?.content).toContain(shownProblem(problem, task));
        for (const { content } of messages) expect(content).not.toMatch(/\{(problem|attempt|feedback|answer|about)\}/);
      }
    },
  );

  it.each(all.map((task) => [task.name, task] as const))('%s: replies like the examples are let in', (_, task) => {
    const prompts = loadPrompts(task, undefined);
    const between = (text: string, from: RegExp, to: RegExp): string => text.split(from)[1]?.split(to)[0]?.trim() ?? '';
    const header = /Answer: Let's think step by step\.[^\n]*\n/;
    let wrong = 0;
    for (const { user, assistant } of prompts.feedback.examples) {
      const attempt = between(user, header, /\n\nWhich is the first/);
      expect(splitAttempt(attempt).ok).toBe(true);
      const read = readFeedback(assistant, 'eos', attempt, assistant === 'Step: none');
      expect([assistant, read.ok]).toEqual([assistant, true]);
      wrong += assistant === 'Step: none' ? 0 : 1;
    }
    expect(wrong).toBeGreaterThanOrEqual(2);
    for (const { user, assistant } of prompts.improvement.examples) {
      const attempt = between(user, header, /\nFeedback: /);
      const said = between(user, /\nFeedback: /, /\n\nWrite the/);
      expect(said).toMatch(/is incorrect\. This is because/);
      const [, step = '', segment = ''] = /In step \((.+?)\) the part "(.+)" is incorrect/.exec(said) ?? [];
      const verdict = { verdict: 'incorrect', step, segment, reason: '', errorClass: '', text: said } as const;
      expect(readImprovement(assistant, 'eos', attempt, verdict)).toEqual({ ok: true, value: assistant });
    }
    for (const kind of ['rationale', 'hinted'] as const)
      for (const { assistant } of prompts[kind].examples) expect(readAnswer(assistant, 'eos').ok).toBe(true);
  });

  it('have the digests that were recorded: another wording is another version', () => {
    const lines = all.flatMap((task) =>
      promptKinds.map((kind) => {
        const { digest, version } = loadPrompts(task, undefined)[kind];
        return `${task.name} ${kind} ${version} ${digest}\n`;
      }),
    );
    expect(new Set(lines.map((line) => line.split(' ').at(-1))).size).toBe(lines.length);
    expectGolden('prompts/digests.txt', lines.join(''));
  });

  it('are what their digest says', () => {
    const prompt = loadPrompts(the(all[0]), undefined).feedback;
    expect(digestOf(JSON.parse(new TextDecoder().decode(promptBytes(prompt))))).toBe(prompt.digest);
  });
});

describe('a conversation', () => {
  const task = the(all[0]);
  const prompt = loadPrompts(task, undefined).rationale;

  it('has no example that is about the very problem that is asked', () => {
    const script = the(task.script);
    const config = script.configure({});
    if (!config.ok) throw new Error(config.message);
    const problem = script.generate(config.config, 0x7e57, 'seen', 0);
    const shown = shownProblem(problem, task);
    expect(prompt.examples[0]?.question).toBe(shown);
    const messages = messagesOf(prompt, task, problem, {});
    expect(messages.filter(({ content }) => content.includes(shown))).toHaveLength(1);
    expect(messages).toHaveLength(2 + 2 * prompt.shown);
  });

  it('goes on behind a reply that was refused, and says why', () => {
    const messages = messagesOf(prompt, task, drawn(task), {});
    const more = repairOf(prompt, messages, 'What?', 'expected an answer, got a question');
    expect(more.slice(0, -2)).toEqual(messages);
    expect(more.at(-2)).toEqual({ role: 'assistant', content: 'What?' });
    expect(more.at(-1)?.content).toContain('expected an answer, got a question');
  });
});

describe('a prompt file', () => {
  const good =
    'prompt: 1\nkind: feedback\nversion: 1\nsystem: "{about}"\nuser: "{problem} {attempt}"\nrepair: "{refused}"\nexamples: 2\n';

  it('is read', () => {
    expect(E.isRight(parsePrompt(good))).toBe(true);
    expect(E.isRight(parsePrompt(good.replace('examples: 2', 'examples: [{user: a, assistant: b}]')))).toBe(true);
    expect(E.isRight(parseNote('prompt: 1\ntask: word-sorting\nversion: 2\nabout: words\n'))).toBe(true);
  });

  it.each([
    ['another version of the form', good.replace('prompt: 1', 'prompt: 2'), 'expected 1, got 2'],
    ['a kind that there is not', good.replace('feedback', 'feedbak'), 'Did you mean "feedback"?'],
    ['a key that there is not', `${good}sytem: x\n`, 'Did you mean "system"?'],
    ['no attempt in it', good.replace(' {attempt}', ''), 'expected {attempt} in it'],
    ['a place that stands for nothing', good.replace('{problem}', '{problem} {answr}'), '{answr} stands for nothing'],
    ['a repair that does not say why', good.replace('{refused}', 'again'), 'expected {refused} in it'],
    ['a system that names the problem', good.replace('{about}', '{problem}'), 'there is {about}'],
    ['no examples', good.replace('examples: 2', 'examples: 0'), 'expected a whole number from 1, got 0'],
  ])('with %s is refused', (_, text, message) => {
    const read = parsePrompt(text);
    expect(E.isLeft(read) ? read.left.map((problem) => problem.message).join('\n') : 'read').toContain(message);
  });
});
