import * as t from 'io-ts';
import { digestOf, type Digest } from '../../events/digest';
import {
  exactly,
  Name,
  oneOf,
  orNull,
  otherwise,
  Positive,
  Ratio,
  section,
  setOf,
  Text,
  Weight,
  Whole,
} from './codecs';

/**
 * A policy says which rows a ledger gives, and is data: a YAML or JSON document that this codec checks and fills in.
 * Stages, in order: select → admit → split → balance → weight → order → limit. The paper is arXiv 2310.13522 (TriPosT);
 * its numbers are in presets/tripost.yaml.
 */

const Authors = setOf(oneOf('student', 'teacher', 'script'));
const everyone = ['script', 'student', 'teacher'] as const;

/** What a row is by its structure; weights are chosen by it, and a decision names it. */
export const unitKinds = [
  'SI', // prompt, attempt, feedback, improvement (x_SI)
  'T-first', // prompt, attempt, closing feedback; right at the first try (x_T)
  'T-edited', // the same for the last attempt of a trajectory that has an improvement (x_T)
  'feedback-only', // prompt, attempt, first feedback; no end-of-text; counted as x_T
  'whole', // a whole trajectory with an improvement, not split
  'first', // prompt, first attempt
  'final', // prompt, last attempt
  'critique', // prompt, attempt, feedback; ends there
  'pair', // prompt, a wrong first attempt, a right one of another trajectory as its update
  'answer', // prompt, final-response line
  'gold', // prompt, gold rationale (and closing feedback) (x_GT)
  'gold-answer', // prompt, the gold rationale's final-response line
] as const;
export type UnitKind = (typeof unitKinds)[number];
const UnitKindCodec = oneOf(...unitKinds);

const SectionWeights = section('section weights', {
  prompt: otherwise(Weight, 1),
  attempt: otherwise(Weight, 1),
  feedback: otherwise(Weight, 1),
  improvement: otherwise(Weight, 1),
});
export type SectionWeights = t.TypeOf<typeof SectionWeights>;

const Select = section('select', {
  /** Where candidates come from. */
  sources: otherwise(setOf(oneOf('trajectories', 'gold')), ['trajectories']),
  /** `through`: this iteration and all before it (DAgger-like aggregation); `current`: this iteration only. */
  iterations: otherwise(oneOf('current', 'through'), 'current'),
  /** Who may have written the turns; a trajectory with another author's turn is left out. */
  authors: section('authors', {
    attempt: otherwise(Authors, everyone),
    feedback: otherwise(Authors, everyone),
    improvement: otherwise(Authors, everyone),
  }),
});

const Admit = section('admit', {
  outcomes: otherwise(setOf(oneOf('solved', 'feedback-only', 'discarded')), ['feedback-only', 'solved']),
  /** `majority`: the answer most first attempts at this problem give, ignoring gold (LMSI). */
  firstAnswer: otherwise(oneOf('any', 'correct', 'wrong', 'majority'), 'any'),
  /** Longest attempt in words, split on single spaces (§1.3 item 7). */
  maxWords: otherwise(orNull(Positive), null),
  /** Longest row in tokens. */
  maxTokens: otherwise(orNull(Positive), null),
  /** Trajectories kept per problem, by draw. */
  perProblem: otherwise(orNull(Positive), null),
  /** A trajectory is left out when an event of it carries one of these labels with the value true. */
  withoutLabels: otherwise(setOf(Text), []),
  /** Within what the same trajectory text is admitted once. */
  dedup: otherwise(oneOf('none', 'pass', 'iteration', 'scope'), 'iteration'),
  /** The same for the text of a row. */
  dedupRows: otherwise(oneOf('none', 'pass', 'iteration', 'scope'), 'none'),
});

const Split = section('split', {
  /** The rows one trajectory gives. */
  trajectories: otherwise(setOf(oneOf('turns', 'whole', 'first', 'final', 'answer', 'critique', 'pairs')), ['turns']),
  /** The rows one gold rationale gives. */
  gold: otherwise(setOf(oneOf('closing', 'rationale', 'answer')), ['closing']),
  /** A feedback-only trajectory: cut after its first feedback (§1.3 item 6), or taken like a solved one. */
  noProgress: otherwise(oneOf('truncate', 'chain'), 'truncate'),
  /** The kinds of row that are kept. */
  keep: otherwise(setOf(UnitKindCodec), [...unitKinds].sort()),
});

const Balance = section('balance', {
  /** x_SI : x_T = ratio : 1; 0 or less: all x_T (§1.4). */
  ratio: otherwise(Ratio, 0),
  /** What is balanced on its own. */
  within: otherwise(oneOf('pass', 'iteration', 'scope'), 'pass'),
  /** `match`: as many x_GT as x_T were kept, by draw; `all`: every gold row. */
  gold: otherwise(oneOf('match', 'all'), 'all'),
});

const Weights = section('weights', {
  SI: SectionWeights,
  'T-first': SectionWeights,
  'T-edited': SectionWeights,
  'feedback-only': SectionWeights,
  whole: SectionWeights,
  first: SectionWeights,
  final: SectionWeights,
  critique: SectionWeights,
  pair: SectionWeights,
  answer: SectionWeights,
  gold: SectionWeights,
  'gold-answer': SectionWeights,
} satisfies Readonly<Record<UnitKind, typeof SectionWeights>>);

const Limit = section('limit', {
  /** Most rows. Soft: no pass is begun once so many are there, gold apart (§1.4). Hard: the rest is not drawn. */
  rows: otherwise(orNull(Positive), null),
  kind: otherwise(oneOf('soft', 'hard'), 'soft'),
  /** Fewer rows are not enough to train on; the dataset says so. */
  min: otherwise(Whole, 0),
});

/** A policy with every default filled in. Its digest is over this form. */
export const Policy = section('policy', {
  /** Version of this document format. */
  policy: exactly(1),
  name: Name,
  description: otherwise(Text, ''),
  select: Select,
  admit: Admit,
  split: Split,
  balance: Balance,
  /** Loss weight of each section by the row's kind; 1 unless given, 0 masks it. */
  weights: Weights,
  /** `canonical`: by iteration, pass, problem; `drawn`: by a draw per row. */
  order: otherwise(oneOf('canonical', 'drawn'), 'canonical'),
  limit: Limit,
});
export type Policy = t.TypeOf<typeof Policy>;

/** SHA-256 over the canonical JSON of the filled-in policy. */
export const policyDigest = (policy: Policy): Digest => digestOf(policy);
