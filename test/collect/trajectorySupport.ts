import * as E from 'fp-ts/Either';
import { readCall, type Call } from '../../src/collect/rollout';
import { decide, nextOf, type Memory, type Need } from '../../src/collect/trajectory';
import {
  paperOptions,
  startTrajectory,
  type Command,
  type EditOptions,
  type TrajectoryFact,
} from '../../src/collect/trajectoryState';
import type { Finish } from '../../events/generationProduced';
import type { Verdict } from '../../src/tasks/task';
import { renderTurn } from '../../src/tasks/trajectoryText';

export const identity = {
  collectionId: 'collection',
  iteration: 1,
  pass: 0,
  problemId: 'p',
  trajectoryId: 't',
  hint: ' Add.',
  author: 'student' as const,
};

/** An answer: steps 1, 2, … and the final response. */
export const answer = (steps: readonly string[], final: string): string =>
  [...steps.map((text, i) => `(${i + 1}) ${text}`), `(Final response) So the answer is ${final}.`].join('\n');

const wrongText = (step: string, segment: string): string =>
  `In step (${step}) the part "${segment}" is incorrect. This is because it is so.`;

export const correct: Verdict = { verdict: 'correct', text: 'The final response is also correct.' };
export const wrong = (step: string, segment: string): Verdict => {
  return {
    verdict: 'incorrect',
    step,
    segment,
    reason: 'it is so',
    errorClass: 'test',
    text: wrongText(step, segment),
  };
};
export const unreadable: Verdict = { verdict: 'error', reason: 'no sense', errorClass: 'nonsense', text: '[ERROR]' };

/** Parts of a student's text. */
export const feedback = (body: string): string => renderTurn('feedback', body, '');
export const saysWrong = (step: string, segment: string): string => feedback(wrongText(step, segment));
export const saysCorrect = feedback('Step (1) to (2) are correct, and the final response is also correct.');
export const update = (body: string): string => renderTurn('improvement', body, identity.hint);

export const callsOf = (
  texts: readonly (string | { readonly text: string; readonly finish: Finish })[],
): readonly { readonly call: Call; readonly generationId: string }[] =>
  texts.map((given, i) => {
    const { text, finish } = typeof given === 'string' ? { text: given, finish: 'eos' as const } : given;
    return { call: readCall(i, 'Q: ?', { text, finish }), generationId: `generation ${i}` };
  });

/** A trajectory under way, told command by command. */
export class Telling {
  readonly facts: TrajectoryFact[] = [];
  private memory: Memory;

  constructor(
    texts: Parameters<typeof callsOf>[0],
    private readonly options: Partial<EditOptions> = {},
  ) {
    this.memory = { state: startTrajectory(callsOf(texts)), before: undefined };
  }

  get need(): Need {
    return nextOf(this.memory.state);
  }

  tell(command: Command): ReturnType<typeof decide> {
    const decided = decide(identity, { ...paperOptions, ...this.options }, this.memory, command);
    if (E.isRight(decided)) {
      this.memory = decided.right.memory;
      this.facts.push(...decided.right.facts);
    }
    return decided;
  }

  private must(command: Command): this {
    const decided = this.tell(command);
    if (E.isLeft(decided)) throw new Error(JSON.stringify(decided.left));
    return this;
  }

  judge(verdict: Verdict): this {
    const answerCorrect = verdict.verdict === 'correct';
    return this.must({ type: 'Judge', verdict, answer: answerCorrect ? '5' : null, answerCorrect, author: 'script' });
  }

  improve(body: string | undefined): this {
    return this.must({ type: 'Improve', body, author: 'script' });
  }

  /** One line a fact: what a reader of the ledger would tell. */
  get story(): readonly string[] {
    return this.facts.map((fact) => {
      if (fact.type === 'AnswerVerified') return `verified ${fact.data.round}: ${fact.data.verdict}`;
      if (fact.type === 'ImprovementProduced') return `update ${fact.data.round} by ${fact.data.author}`;
      if (fact.type === 'TurnRefused') return `refused ${fact.data.turn} by ${fact.data.author}: ${fact.data.rule}`;
      if (fact.type === 'FeedbackGiven')
        return `feedback ${fact.data.round} by ${fact.data.author}: ${fact.data.step ?? fact.data.verdict}`;
      if (fact.type === 'TrajectoryClosed')
        return `${fact.data.outcome}: ${fact.data.reason} after ${fact.data.updates}`;
      return fact.type === 'AttemptMade' ? 'attempt' : fact.type;
    });
  }

  /** What the trajectory would train on behind its prompt. */
  get text(): string {
    return this.facts
      .flatMap(({ type, data }) =>
        type === 'AttemptMade' || type === 'FeedbackGiven' || type === 'ImprovementProduced' ? [data.text] : [],
      )
      .join('');
  }
}
