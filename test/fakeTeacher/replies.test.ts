import { renderPrompt, parseTurns } from '../../src/tasks/trajectoryText';
import { replyTo } from '../../src/fakeTeacher/replier';
import { tasks } from '../../src/tasks';
import type { Problem } from '../../src/tasks/task';

const ask = (prompt: string, sample = 0, seed = 7): string => replyTo({ seed, prompt, system: '', sample });
const scripted = [...tasks.values()].flatMap((task) =>
  task.script === undefined ? [] : [{ task, script: task.script }],
);

const problemsOf = ({ script }: (typeof scripted)[number]): readonly Problem[] => {
  const configured = script.configure({});
  if (!configured.ok) throw new Error(configured.message);
  return Array.from({ length: 8 }, (_, i) => {
    const { question, options, answer } = script.generate(configured.config, 3, 'seen', i);
    return { question, options, answer };
  });
};

describe.each(scripted.map((one) => [one.task.name, one] as const))('%s', (name, one) => {
  const { task, script } = one;
  const problems = problemsOf(one);
  const protocol = (kind: string, fields: object): string =>
    ask(`tripost-ask/1 ${kind} ${name}\n${JSON.stringify(fields)}`);

  it("feedback and improvement asked in the protocol are the script's", () => {
    for (const problem of problems)
      for (const { attempt } of script.injections(problem)) {
        const verdict = script.feedback(problem, attempt);
        expect(protocol('feedback', { ...problem, attempt })).toBe(verdict.text);
        expect(protocol('improvement', { ...problem, attempt })).toBe(script.improve(problem, attempt, verdict));
      }
  });

  it('answers asked in the protocol are right or wrong, as drawn', () => {
    const right = problems.flatMap((problem) =>
      [0, 1, 2, 3].map((seed) => {
        const text = ask(`tripost-ask/1 answer ${name}\n${JSON.stringify(problem)}`, 0, seed);
        return script.feedback(problem, text).verdict;
      }),
    );
    expect(new Set(right)).toEqual(new Set(['correct', 'incorrect']));
  });

  it("a student's prompt is answered with turns, and an answer judged and updated", () => {
    for (const problem of problems) {
      const prompt = renderPrompt(problem, task);
      const first = parseTurns(ask(prompt), { startsWith: 'attempt' });
      expect([first.leftOver, first.turns[0]?.kind, first.turns[1]?.kind]).toEqual([null, 'attempt', 'feedback']);
      const attempt = script.injections(problem)[0]?.attempt ?? '';
      const judged = parseTurns(ask(`${prompt}\n${attempt}`), { startsWith: 'feedback' });
      expect(judged.turns.map(({ kind }) => kind)).toEqual(['feedback', 'improvement']);
      expect(judged.turns[0]?.body).toBe(script.feedback(problem, attempt).text);
    }
  });
});

describe('the protocol', () => {
  it.each([
    ['tripost-ask/1 praise word-sorting\n{}', /expected one of feedback, improvement, answer/],
    ['tripost-ask/1 feedback no-task\n{}', /There is no task "no-task"/],
    ['tripost-ask/1 feedback word-sorting\nnot json', /no JSON/],
    ['tripost-ask/1 feedback word-sorting\n{"question":"x"}', /expected \{question, options, answer, attempt\}/],
  ])('%j is refused', (prompt, message) => {
    expect(ask(prompt)).toMatch(/^tripost-error: /);
    expect(ask(prompt)).toMatch(message);
  });
});

describe('any other prompt', () => {
  it('gets words that depend on seed, prompt and sample', () => {
    const text = ask('What is the weather like?');
    expect(text).toMatch(/^[A-Z][a-z ]+\.$/);
    expect(ask('What is the weather like?')).toBe(text);
    expect(ask('What is the weather like?', 1)).not.toBe(text);
    expect(ask('What is the weather like?', 0, 8)).not.toBe(text);
    expect(ask('What is the weather like!')).not.toBe(text);
  });
});

it('a replier that is put first is asked first', () => {
  const mine = {
    name: 'mine',
    reply: ({ prompt }: { readonly prompt: string }) => (prompt === 'me' ? 'mine' : undefined),
  };
  const other = { name: 'other', reply: () => 'other' };
  const asked = (prompt: string) => replyTo({ seed: 1, prompt, system: '', sample: 0 }, [mine, other]);
  expect([asked('me'), asked('you')]).toEqual(['mine', 'other']);
});
