import * as E from 'fp-ts/Either';
import * as fc from 'fast-check';
import type { Json } from '../../events/digest';
import { nextPrompt, readCall, type Call } from '../../src/collect/rollout';
import { decide, nextOf, type Memory } from '../../src/collect/trajectory';
import {
  startTrajectory,
  type Command,
  type EditOptions,
  type TrajectoryFact,
} from '../../src/collect/trajectoryState';
import { multistepArithmetic } from '../../src/tasks/multistepArithmetic/multistepArithmetic';
import type { Problem, Script, Task } from '../../src/tasks/task';
import { parseTurns, renderPrompt, renderTurn } from '../../src/tasks/trajectoryText';
import { wordSorting } from '../../src/tasks/wordSorting/wordSorting';

const scripted = (task: Task): Script => {
  if (task.script === undefined) throw new Error(`${task.name} has no script`);
  return task.script;
};

const subjects: readonly { readonly task: Task; readonly config: Json }[] = [
  { task: multistepArithmetic, config: { seen: [{ depth: [2], length: 2 }], unseen: [{ depth: [3], length: 2 }] } },
  { task: wordSorting, config: { alphabet: 'abc', wordLength: { from: 3, to: 3 }, seen: [2, 4], unseen: [5] } },
];

/** A word that picks one of the texts that a place can hold; which texts those are depends on what came before. */
const pick = fc.nat({ max: 1000 });
const chosen = (from: readonly string[], at: number): string => from[at % from.length] ?? '';

interface Recipe {
  readonly problem: number;
  readonly attempt: number;
  readonly rounds: readonly { readonly feedback: number; readonly update: number | null; readonly sameCall: boolean }[];
  readonly noise: number | null;
  readonly cut: number | null;
  readonly imps: readonly number[];
}

const arbitraryRecipe: fc.Arbitrary<Recipe> = fc.record({
  problem: fc.nat({ max: 20 }),
  attempt: pick,
  rounds: fc.array(fc.record({ feedback: pick, update: fc.option(pick, { freq: 5 }), sameCall: fc.boolean() }), {
    maxLength: 4,
  }),
  noise: fc.option(pick, { freq: 1, nil: null }),
  cut: fc.option(pick, { freq: 1, nil: null }),
  imps: fc.array(pick, { minLength: 1, maxLength: 4 }),
});

/** The wrong answers to a problem, and what FBK says of each; made once. */
const mistakes = new Map<string, readonly { readonly attempt: string; readonly said: string }[]>();
const mistakesOf = (problem: Problem, script: Script) => {
  const key = `${problem.question}${problem.options ?? ''}`;
  const known =
    mistakes.get(key) ??
    script.injections(problem).map(({ attempt }) => ({ attempt, said: script.feedback(problem, attempt).text }));
  mistakes.set(key, known);
  return known;
};

const damaged = (attempt: string): readonly string[] => {
  const lines = attempt.split('\n');
  return [lines.slice(0, -1), lines.slice(1), [...lines].reverse(), [...lines, 'So there.']].map((some) =>
    some.join('\n'),
  );
};

/** A student's calls as the recipe has them: a mixture of gold, wrong and broken pieces in the order of a trajectory. */
const callsOf = (recipe: Recipe, task: Task, problem: Problem): readonly Call[] => {
  const script = scripted(task);
  const prompt = renderPrompt(problem, task);
  const gold = script.gold(problem);
  const wrong = mistakesOf(problem, script).map(({ attempt }) => attempt);
  let standing = chosen([gold, gold, ...wrong, ...damaged(gold)], recipe.attempt);
  const texts = [`\n${standing}`];
  for (const round of recipe.rounds) {
    const verdict = script.feedback(problem, standing);
    const others = [
      script.feedback(problem, gold).text,
      'I like it.',
      ...mistakesOf(problem, script).map(({ said }) => said),
    ];
    const said = renderTurn(
      'feedback',
      chosen([verdict.text, verdict.text, verdict.text, ...others], round.feedback),
      task.hint,
    );
    const improved = script.improve(problem, standing, verdict) ?? gold;
    const next =
      round.update === null
        ? null
        : chosen([improved, improved, ...wrong, standing, ...damaged(improved)], round.update);
    const written = next === null ? said : `${said}${renderTurn('improvement', next, task.hint)}`;
    if (round.sameCall || texts.length === 1) texts[texts.length - 1] += written;
    else texts.push(written);
    if (next === null) break;
    standing = next;
  }
  const last = texts.length - 1;
  if (recipe.noise !== null) texts[last] += chosen(['\nHm.', '\nQ: Why?', '\n\n', '  \n'], recipe.noise);
  if (recipe.cut !== null) texts[last] = (texts[last] ?? '').slice(0, recipe.cut % ((texts[last] ?? '').length + 1));
  const calls: Call[] = [];
  for (const text of texts) {
    const asked = nextPrompt({ prompt, calls }, 5);
    if (asked === undefined) break;
    calls.push(readCall(calls.length, asked, { text, finish: recipe.cut === null ? 'eos' : 'length' }));
  }
  return calls;
};

/** Edits a trajectory to its end with the script as FBK, and an IMP that is as good as the recipe wants it. */
const editAll = (
  recipe: Recipe,
  calls: readonly Call[],
  task: Task,
  problem: Problem,
  options: EditOptions,
): readonly TrajectoryFact[] => {
  const script = scripted(task);
  const identity = {
    collectionId: 'collection',
    iteration: 1,
    pass: 0,
    problemId: 'p',
    trajectoryId: 't',
    hint: task.hint,
    author: 'student' as const,
  };
  const facts: TrajectoryFact[] = [];
  const generations = calls.map((call, i) => ({ call, generationId: `g${i}` }));
  let memory: Memory = { state: startTrajectory(generations), before: undefined };
  for (let turn = 0; turn < 40; turn++) {
    const next = nextOf(memory.state);
    if (next.need === 'nothing') return facts;
    let command: Command;
    if (next.need === 'improve') {
      const improved = script.improve(problem, next.body, next.verdict);
      const wrong = mistakesOf(problem, script).map(({ attempt }) => attempt);
      const choice = chosen(
        [improved ?? '', improved ?? '', ...wrong, next.body, ''],
        recipe.imps[turn % recipe.imps.length] ?? 0,
      );
      command = { type: 'Improve', body: choice === '' ? undefined : choice, author: 'script' };
    } else {
      const answer = task.answerOf(next.body) ?? null;
      const answerCorrect = answer !== null && task.isCorrect(problem, answer);
      command = {
        type: 'Judge',
        verdict: script.feedback(problem, next.body),
        answer,
        answerCorrect,
        author: 'script',
      };
    }
    const decided = decide(identity, options, memory, command);
    if (E.isLeft(decided)) throw new Error(`${decided.left.command} when ${decided.left.need} was needed`);
    facts.push(...decided.right.facts);
    memory = decided.right.memory;
  }
  throw new Error('the trajectory does not close');
};

const textsOf = (facts: readonly TrajectoryFact[]) =>
  facts.flatMap((fact) =>
    fact.type === 'AttemptMade' || fact.type === 'FeedbackGiven' || fact.type === 'ImprovementProduced' ? [fact] : [],
  );

/** What has a round of its own. */
const steps = { AttemptMade: true, AnswerVerified: true, FeedbackGiven: true, ImprovementProduced: true };

const kinds = { AttemptMade: 'attempt', FeedbackGiven: 'feedback', ImprovementProduced: 'improvement' } as const;

describe.each(subjects)('any trajectory of $task.name', ({ task, config }) => {
  const script = scripted(task);
  const checked = script.configure(config);
  if (!checked.ok) throw new Error(checked.message);
  const options = fc.record({
    maxUpdates: fc.integer({ min: 0, max: 5 }),
    overCorrection: fc.constantFrom('edit' as const, 'discard' as const),
    stepOrder: fc.constantFrom('numeric' as const, 'text' as const),
    noProgress: fc.constantFrom('truncate' as const, 'keep' as const),
  });

  const reached = { solved: 0, improved: 0, ownUpdate: 0, 'feedback-only': 0, discarded: 0, refused: 0 };
  const run = (
    holds: (edited: {
      facts: readonly TrajectoryFact[];
      calls: readonly Call[];
      problem: Problem;
      options: EditOptions;
    }) => void,
    of = options,
  ): void =>
    fc.assert(
      fc.property(arbitraryRecipe, of, (recipe, chosenOptions) => {
        const problem = script.generate(checked.config, 7, 'seen', recipe.problem);
        const calls = callsOf(recipe, task, problem);
        const facts = editAll(recipe, calls, task, problem, chosenOptions);
        for (const { type, data } of facts) {
          if (type === 'TurnRefused') reached.refused++;
          if (type === 'ImprovementProduced' && data.author === 'student') reached.ownUpdate++;
          if (type === 'TrajectoryClosed') reached[data.outcome]++;
          if (type === 'TrajectoryClosed' && data.reason === 'improved') reached.improved++;
        }
        holds({ facts, calls, problem, options: chosenOptions });
      }),
      { numRuns: 150 },
    );

  it('closes once, at its end, within the limit of updates', () => {
    run(({ facts, options: { maxUpdates } }) => {
      expect(facts.filter(({ type }) => type === 'TrajectoryClosed')).toHaveLength(1);
      const last = facts.at(-1);
      if (last?.type !== 'TrajectoryClosed') throw new Error('the last fact is not the closing');
      const updates = facts.filter(({ type }) => type === 'ImprovementProduced').length;
      expect(last.data.updates).toBe(updates);
      expect(updates).toBeLessThanOrEqual(maxUpdates);
    });
  });

  it('alternates answer, verdict and feedback, and counts its rounds up', () => {
    run(({ facts }) => {
      const told = facts.filter(({ type }) => type !== 'TurnRefused').map(({ type }) => type);
      expect(`${told.join(' ')} `).toMatch(
        /^(AttemptMade AnswerVerified (FeedbackGiven (ImprovementProduced AnswerVerified FeedbackGiven )*(ImprovementProduced AnswerVerified )?)?)?TrajectoryClosed $/,
      );
      const rounds = facts.flatMap(({ type, data }) => (type in steps && 'round' in data ? [[type, data.round]] : []));
      let round = -1;
      const expected = rounds.map(([type]) => {
        if (type === 'AttemptMade' || type === 'ImprovementProduced') round += 1;
        return [type, round];
      });
      expect(rounds).toEqual(expected);
    });
  });

  it('reads back as the same turns, and ends right, when it is solved', () => {
    run(({ facts, problem }) => {
      const closing = facts.at(-1);
      if (closing?.type !== 'TrajectoryClosed' || closing.data.outcome !== 'solved') return;
      const turns = textsOf(facts);
      const parsed = parseTurns(turns.map(({ data }) => data.text).join(''), { startsWith: 'attempt' });
      expect(parsed.leftOver).toBeNull();
      expect(parsed.turns.map(({ kind, text }) => [kind, text])).toEqual(
        turns.map(({ type, data }) => [kinds[type], data.text]),
      );
      const answer = task.answerOf(parsed.turns.findLast(({ kind }) => kind !== 'feedback')?.body ?? '');
      const isRight = task.isCorrect(problem, answer ?? '');
      expect(isRight).toBe(true);
    });
  });

  it('has every turn of the student in it, up to the one that is refused', () => {
    run(({ facts, calls }) => {
      const own = calls.flatMap(({ parsed, text }, i) =>
        parsed.turns.map((turn) => ({ ...turn, in: text, generationId: `g${i}` })),
      );
      const used = textsOf(facts).filter(({ data }) => data.author === 'student');
      used.forEach(({ type, data }, i) => {
        const turn = own[i];
        expect([kinds[type], data.text, data.generationId]).toEqual([turn?.kind, turn?.text, turn?.generationId]);
        expect(turn?.in.slice(data.start ?? 0, data.end ?? 0)).toBe(data.text);
      });
      const refused = facts.filter((fact) => fact.type === 'TurnRefused' && fact.data.author === 'student');
      // What FBK cannot judge is discarded before anything is said about it.
      const unjudged = facts[1]?.type === 'AnswerVerified' && facts[1].data.verdict === 'error';
      const next = own[used.length];
      const leftOver = calls.at(-1)?.parsed.leftOver ?? null;
      const unread = leftOver === null ? [] : [{ data: { text: leftOver.line, rule: 'unreadable' } }];
      const expected = next === undefined ? unread : [{ data: { turn: next.kind, text: next.text } }];
      expect(refused).toMatchObject(unjudged ? [] : expected);
    });
  });

  it('is met in all its ways by these properties', () => {
    // A legal update can hardly move a script's first error back: feedback-only is for a large model's FBK.
    const others = Object.entries(reached).filter(([way]) => way !== 'feedback-only');
    expect(others.filter(([, times]) => times === 0)).toEqual([]);
  });
});
