import * as E from 'fp-ts/Either';
import { canonicalJson, digestOf, type Digest } from '../../events/digest';
import type { ChatMessage } from '../ports/languageModel';
import type { Problem, Task } from '../tasks/task';
import { scriptedExamples, shownProblem, type Example } from './examples';
import { filled, type PromptDocument, type PromptKind, type TaskNote } from './promptDocument';

/** A prompt of one task, whole: what its digest covers is all that a model is told beside the problem. */
export interface ResolvedPrompt {
  readonly kind: PromptKind;
  readonly version: number;
  readonly system: string;
  readonly user: string;
  readonly repair: string;
  readonly examples: readonly Example[];
  /** How many of the examples go along. */
  readonly shown: number;
  readonly digest: Digest;
}

export type PromptSet = Readonly<Record<PromptKind, ResolvedPrompt>>;

/** The files that prompts come from: one of each kind, and a note for each task. */
export interface PromptFiles {
  readonly prompts: ReadonlyMap<PromptKind, PromptDocument>;
  readonly notes: ReadonlyMap<string, TaskNote>;
}

/** What a prompt's digest covers. */
const bare = ({ kind, version, system, user, repair, examples, shown }: ResolvedPrompt) => ({
  kind,
  version,
  system,
  user,
  repair,
  examples,
  shown,
});

/** A prompt as canonical JSON: the blob that its digest names. */
export const promptBytes = (prompt: ResolvedPrompt): Uint8Array =>
  new TextEncoder().encode(canonicalJson(bare(prompt)));

const resolve = (task: Task, document: PromptDocument, about: string): ResolvedPrompt => {
  const { kind, version, user, repair } = document;
  const given = typeof document.examples === 'number' ? undefined : document.examples;
  const count = given?.length ?? (typeof document.examples === 'number' ? document.examples : 0);
  const examples =
    given?.map(({ user: asked, assistant }) => ({ question: null, user: asked, assistant })) ??
    scriptedExamples(task, document, count);
  const system = filled(document.system, { about }).trim();
  const prompt = { kind, version, system, user: user.trim(), repair: repair.trim(), examples, shown: count };
  return { ...prompt, digest: digestOf(prompt) };
};

/** The prompts of one task; a sentence where a kind is missing. */
export const resolvePrompts = (task: Task, files: PromptFiles): E.Either<string, PromptSet> => {
  const about = files.notes.get(task.name)?.about.trim() ?? '';
  const one = (kind: PromptKind): ResolvedPrompt | string => {
    const document = files.prompts.get(kind);
    return document === undefined ? `there is no prompt for ${kind}` : resolve(task, document, about);
  };
  const [feedback, improvement, rationale, hinted] = [
    one('feedback'),
    one('improvement'),
    one('rationale'),
    one('hinted'),
  ];
  for (const each of [feedback, improvement, rationale, hinted]) if (typeof each === 'string') return E.left(each);
  return typeof feedback === 'string' ||
    typeof improvement === 'string' ||
    typeof rationale === 'string' ||
    typeof hinted === 'string'
    ? E.left('a prompt is missing')
    : E.right({ feedback, improvement, rationale, hinted });
};

/** The conversation that asks: examples that are not about this very problem, then the problem. */
export const messagesOf = (
  prompt: ResolvedPrompt,
  task: Task,
  problem: Problem,
  values: Readonly<Record<string, string>>,
): readonly ChatMessage[] => {
  const shown = shownProblem(problem, task);
  const examples = prompt.examples.filter(({ question }) => question !== shown).slice(0, prompt.shown);
  return [
    { role: 'system', content: prompt.system },
    ...examples.flatMap(({ user, assistant }): readonly ChatMessage[] => [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ]),
    { role: 'user', content: filled(prompt.user, { problem: shown, ...values }) },
  ];
};

/** The same conversation, gone on behind a reply that was refused. */
export const repairOf = (
  prompt: ResolvedPrompt,
  messages: readonly ChatMessage[],
  reply: string,
  refused: string,
): readonly ChatMessage[] => [
  ...messages,
  { role: 'assistant', content: reply },
  { role: 'user', content: filled(prompt.repair, { refused }) },
];
