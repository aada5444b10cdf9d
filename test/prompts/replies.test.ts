import {
  readAnswer,
  readFeedback,
  readImprovement,
  renderFinding,
  replyRules,
  type ReplyRule,
} from '../../src/prompts/replies';
import { inOtherLanguage } from '../../src/prompts/language';
import { tasks } from '../../src/tasks';
import { wordSorting as task } from '../../src/tasks/wordSorting/wordSorting';
import type { Problem } from '../../src/tasks/task';
import { the } from '../support/events';

const problem: Problem = {
  question: 'Sort the following words alphabetically:',
  options: 'List: cab arc bee',
  answer: 'arc bee cab',
};
const script = the(task.script);
const gold = script.gold(problem);
const wrong = the(script.injections(problem).find(({ step }) => step === '2')).attempt;
const verdict = script.feedback(problem, wrong);
const update = the(script.improve(problem, wrong, verdict));
const line = (id: string): string =>
  the(wrong.split('\n').find((each) => each.startsWith(`(${id}) `))).slice(id.length + 3);

const ruleOf = (read: { readonly ok: boolean; readonly rule?: ReplyRule }): ReplyRule | 'let in' =>
  read.ok ? 'let in' : the(read.rule);

describe('a reply of FBK', () => {
  const cases: readonly (readonly [what: string, reply: string, rule: ReplyRule | 'let in', finish?: 'length'])[] = [
    ['in the form', the(renderFinding(verdict)), 'let in'],
    ['in the form, the step without brackets', the(renderFinding(verdict)).replace('(2)', '2'), 'let in'],
    ['with the part in quotes', the(renderFinding(verdict)).replace(/^Part: (.*)$/m, 'Part: "$1"'), 'let in'],
    ['with lines that end as on Windows', the(renderFinding(verdict)).replaceAll('\n', '\r\n'), 'let in'],
    ['that ends before it is over', the(renderFinding(verdict)).slice(0, 20), 'reply-truncated', 'length'],
    ['that is empty', '  \n', 'reply-format'],
    ['with words around it', `Sure!\n${the(renderFinding(verdict))}`, 'reply-format'],
    ['without a reason', `Step: (2)\nPart: ${line('2')}`, 'reply-format'],
    ['about a step that does not exist', `Step: (9)\nPart: ${line('2')}\nReason: it is wrong.`, 'no-such-step'],
    ['about words that are not there', 'Step: (2)\nPart: the moon\nReason: it is wrong.', 'part-not-in-step'],
    ['that finds nothing in a wrong answer', 'Step: none', 'accepts-wrong-answer'],
    [
      'in German',
      `Step: (2)\nPart: ${line('2')}\nReason: die Reihenfolge der Wörter ist nicht richtig, weil das eine vor dem anderen kommt.`,
      'reply-other-language',
    ],
    ['in Russian', `Step: (2)\nPart: ${line('2')}\nReason: это неправильный порядок слов.`, 'reply-other-language'],
    [
      'in German throughout',
      'Schritt: (2)\nTeil: abc\nGrund: die Wörter sind nicht in der richtigen Folge, weil das nicht passt.',
      'reply-other-language',
    ],
  ];

  it.each(cases.map((one) => [one[0], one] as const))('%s', (_, [, reply, rule, finish]) => {
    expect(ruleOf(readFeedback(reply, finish ?? 'eos', wrong, false))).toBe(rule);
  });

  it('names what the script names, in the grammar of feedback', () => {
    const read = readFeedback(the(renderFinding(verdict)), 'eos', wrong, false);
    expect(read).toMatchObject({ ok: true, value: { verdict: 'incorrect', step: '2', text: verdict.text } });
  });

  it('may find nothing wrong in an answer that is right', () => {
    const read = readFeedback('Step: none', 'eos', gold, true);
    expect(read).toEqual({ ok: true, value: script.feedback(problem, gold) });
  });

  it('says what was expected and what came', () => {
    expect(readFeedback(`Step: (9)\nPart: x\nReason: y.`, 'eos', wrong, false)).toMatchObject({
      expected: expect.stringContaining('(Final response)'),
      got: '(9)',
    });
  });
});

describe('a reply of IMP', () => {
  const cases: readonly (readonly [what: string, reply: string, rule: ReplyRule | 'let in', finish?: 'length'])[] = [
    ['that mends the step', update, 'let in'],
    ['with a blank line before and after', `\n${update}\n\n`, 'let in'],
    ['that ends before it is over', update.slice(0, 30), 'reply-truncated', 'length'],
    ['that rewrites a step before', update.replace('(1) The', '(1) To begin with, the'), 'rewrites-earlier-steps'],
    ['that leaves the wrong step', wrong, 'step-unchanged'],
    ['that keeps the part', wrong.replace('(2) ', '(2) And so: '), 'part-still-there'],
    ['that goes on asking', `${update}\nQ: And now?`, 'asks-again'],
    ['with words around it', `Here it is:\n${update}`, 'reply-format'],
    ['without a final response', update.split('\n').slice(0, -1).join('\n'), 'reply-format'],
    [
      'in German',
      'Die Antwort ist nicht schwer: der erste Schritt und die anderen sind richtig.',
      'reply-other-language',
    ],
  ];

  it.each(cases.map((one) => [one[0], one] as const))('%s', (_, [, reply, rule, finish]) => {
    expect(ruleOf(readImprovement(reply, finish ?? 'eos', wrong, verdict))).toBe(rule);
  });
});

describe('every rule of a reply', () => {
  it('has a sentence, and a reply that it refuses', () => {
    for (const sentence of Object.values(replyRules)) expect(sentence).toMatch(/^the /);
    expect(ruleOf(readAnswer('Q: what?', 'eos'))).toBe('asks-again');
  });
});

describe('a language', () => {
  it('is not mistaken: what the scripts of all tasks say is English', () => {
    for (const one of tasks.values()) {
      const config = one.script?.configure({});
      if (one.script === undefined || config?.ok !== true) continue;
      for (let index = 0; index < 10; index++) {
        const drawn = one.script.generate(config.config, 5, 'seen', index);
        expect([one.name, inOtherLanguage(one.script.gold(drawn))]).toEqual([one.name, false]);
        for (const { attempt } of one.script.injections(drawn)) {
          const found = one.script.feedback(drawn, attempt);
          const reason = found.verdict === 'incorrect' ? found.reason : '';
          expect([reason, inOtherLanguage(reason)]).toEqual([reason, false]);
        }
      }
    }
  });

  it.each([
    'el orden de las palabras no es correcto, porque la primera va antes',
    "l'ordre des mots n'est pas correct, parce que le premier est dans le mauvais rang",
    '这一步的顺序不正确',
  ])('is told from English: %s', (text) => {
    expect(inOtherLanguage(text)).toBe(true);
  });
});
