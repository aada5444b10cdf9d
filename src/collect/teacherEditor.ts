import * as E from 'fp-ts/Either';
import { canonicalJson, digestOf, type Digest } from '../../events/digest';
import type { Purpose, Sampling } from '../../events/generationProduced';
import type { ChatMessage } from '../ports/languageModel';
import { messagesOf, promptBytes, repairOf, type PromptSet, type ResolvedPrompt } from '../prompts/promptSet';
import { readFeedback, readImprovement, type ReadReply } from '../prompts/replies';
import { unjudged } from '../tasks/feedbackText';
import type { Task } from '../tasks/task';
import type { Caller, CallerError } from './caller';
import type { Editor, RefusedText, Turn } from './editor';

export interface TeacherSettings {
  readonly prompts: PromptSet;
  /** FBK's and IMP's own settings; the paper: 0 and 0.7. */
  readonly sampling: Readonly<Record<'feedback' | 'improvement', Sampling>>;
}

/** What decides how trajectories are edited: a collection names it by digest, and a blob holds it. */
export const editingPlan = ({
  prompts,
  sampling,
}: TeacherSettings): { readonly digest: Digest; readonly bytes: Uint8Array } => {
  const plan = {
    feedback: { prompt: prompts.feedback.digest, sampling: sampling.feedback },
    improvement: { prompt: prompts.improvement.digest, sampling: sampling.improvement },
  };
  return { digest: digestOf(plan), bytes: new TextEncoder().encode(canonicalJson(plan)) };
};

/** The same editor in a collection whose answers come under a prompt: the collection's digest covers that one too. */
export const withAnswerPrompt = (
  editor: Editor,
  prompt: ResolvedPrompt,
): { readonly editor: Editor; readonly bytes: Uint8Array } => {
  const plan = { editing: editor.prompts, attempt: { prompt: prompt.digest } };
  return { editor: { ...editor, prompts: digestOf(plan) }, bytes: new TextEncoder().encode(canonicalJson(plan)) };
};

/** The blobs that a plan's digests name. */
export const planBlobs = (settings: TeacherSettings): readonly Uint8Array[] => [
  editingPlan(settings).bytes,
  ...[settings.prompts.feedback, settings.prompts.improvement].map(promptBytes),
];

/** One reply, or none to be had. */
type Heard<T> =
  | { readonly heard: true; readonly value: T; readonly generationId: string; readonly refused: readonly RefusedText[] }
  | { readonly heard: false; readonly why: string; readonly rule: string; readonly refused: readonly RefusedText[] };

interface Asking<T> {
  readonly kind: Purpose['kind'];
  readonly prompt: ResolvedPrompt;
  readonly messages: readonly ChatMessage[];
  readonly sampling: Sampling;
  readonly read: (text: string, finish: 'eos' | 'stop' | 'length') => ReadReply<T>;
}

/** Two passes may draw two texts where draws are made; at temperature 0 there is one. */
export const sampleOf = ({ temperature }: Sampling, seed: number, pass: number) =>
  temperature === 0 ? 0 : [seed, pass];

/** Asks, and once more where the reply is refused and the prompt knows how to say so. Every reply is on the ledger. */
export const askTeacher = async <T>(
  caller: Caller,
  { kind, prompt, messages, sampling, read }: Asking<T>,
  { calls, round, pass, seed }: Pick<Turn, 'calls' | 'round' | 'pass' | 'seed'>,
): Promise<E.Either<CallerError, Heard<T>>> => {
  const refused: RefusedText[] = [];
  let conversation = messages;
  for (const repair of [false, true]) {
    const sample = sampleOf(sampling, seed, pass);
    const purpose: Purpose = { kind, prompt: prompt.digest, round, repair };
    const seedKey = ['teacher', kind, ...(sample === 0 ? [0] : [seed, pass])];
    const asked = await calls.ask(caller, { purpose, prompt: conversation, sampling, sample, seedKey });
    if (E.isLeft(asked)) return asked;
    const told = asked.right;
    if (!told.told) {
      const why = `${told.kind}: ${told.message}`;
      return E.right({ heard: false, why, rule: 'call-failed', refused });
    }
    const { data, generationId } = told;
    const reply = read(data.text, data.finish);
    if (reply.ok) return E.right({ heard: true, value: reply.value, generationId, refused });
    const { rule, expected, got } = reply;
    refused.push({ text: data.text, generationId, rule, expected, got });
    if (repair || prompt.repair === '')
      return E.right({ heard: false, why: `expected ${expected}, got ${got}`, rule, refused });
    conversation = repairOf(prompt, conversation, data.text, `expected ${expected}, got ${got}`);
  }
  throw new Error('a reply is let in, or refused twice');
};

/** FBK and IMP by a large model. What it says wrongly, twice, ends the trajectory with the rule that refused it. */
export const teacherEditor = (task: Task, settings: TeacherSettings, caller: Caller): Editor => {
  const { prompts, sampling } = settings;
  return {
    author: 'teacher',
    model: caller.ports.model.ref,
    prompts: editingPlan(settings).digest,
    atOnce: caller.ports.model.batch,
    feedback: (problem, attempt, turn) => async () => {
      const heard = await askTeacher(
        caller,
        {
          kind: 'feedback',
          prompt: prompts.feedback,
          messages: messagesOf(prompts.feedback, task, problem, { attempt }),
          sampling: sampling.feedback,
          read: (text, finish) => readFeedback(text, finish, attempt, turn.answerCorrect),
        },
        turn,
      );
      if (E.isLeft(heard)) return heard;
      const { refused } = heard.right;
      return E.right(
        heard.right.heard
          ? { value: heard.right.value, generationId: heard.right.generationId, refused }
          : { value: unjudged(heard.right.rule, heard.right.why), generationId: null, refused },
      );
    },
    improve: (problem, attempt, verdict, turn) => async () => {
      const heard = await askTeacher(
        caller,
        {
          kind: 'improvement',
          prompt: prompts.improvement,
          messages: messagesOf(prompts.improvement, task, problem, { attempt, feedback: verdict.text }),
          sampling: sampling.improvement,
          read: (text, finish) => readImprovement(text, finish, attempt, verdict),
        },
        turn,
      );
      if (E.isLeft(heard)) return heard;
      const { refused } = heard.right;
      return E.right(
        heard.right.heard
          ? { value: { body: heard.right.value }, generationId: heard.right.generationId, refused }
          : { value: { body: undefined, why: `${heard.right.rule}: ${heard.right.why}` }, generationId: null, refused },
      );
    },
  };
};
