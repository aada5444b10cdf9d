import * as t from 'io-ts';
import { digestOf, type Digest } from '../../events/digest';
import {
  AnyJson,
  exactly,
  later,
  listOf,
  Name,
  noted,
  oneOf,
  orNull,
  otherwise,
  Positive,
  Ratio,
  section,
  setOf,
  Text,
  wanted,
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

export const sectionKinds = ['prompt', 'attempt', 'feedback', 'improvement'] as const;

/** How an update changed the answer. */
export const answerChanges = ['wrong-to-right', 'wrong-to-wrong', 'right-to-right', 'right-to-wrong'] as const;
export type AnswerChange = (typeof answerChanges)[number];

const SectionWeights = section('section weights', {
  prompt: otherwise(Weight, 1, 'Loss weight of this section; 0 masks it.'),
  attempt: otherwise(Weight, 1, 'Loss weight of this section; 0 masks it.'),
  feedback: otherwise(Weight, 1, 'Loss weight of this section; 0 masks it.'),
  improvement: otherwise(Weight, 1, 'Loss weight of this section; 0 masks it.'),
});
export type SectionWeights = t.TypeOf<typeof SectionWeights>;

const Select = section('select', {
  sources: otherwise(setOf(oneOf('trajectories', 'gold')), ['trajectories'], 'Where candidates come from.'),
  iterations: otherwise(
    oneOf('current', 'through'),
    'current',
    '`through`: this iteration and all before it (DAgger-like aggregation); `current`: this iteration only.',
  ),
  authors: section(
    'authors',
    {
      attempt: otherwise(Authors, everyone, 'Of first attempts.'),
      feedback: otherwise(Authors, everyone, 'Of feedback.'),
      improvement: otherwise(Authors, everyone, 'Of updates.'),
    },
    "Who may have written the turns; a trajectory with another author's turn is left out.",
  ),
  teachers: later(
    orNull(setOf(Text)),
    null,
    "Models that may have made the teacher's calls of a trajectory: names at their servers, or checkpoint digests. Null: any.",
  ),
  fromIteration: later(
    orNull(Positive),
    null,
    'The first iteration that is taken, of those that `iterations` lets in.',
  ),
  toIteration: later(orNull(Positive), null, 'The last one.'),
  withoutIterations: later(setOf(Positive), [], 'Iterations whose trajectories are left out.'),
  withoutTeachers: later(
    setOf(Text),
    [],
    "Models of which no call may be in a trajectory, as `teachers` names them; a trajectory without a teacher's call stays.",
  ),
  withoutCells: later(
    setOf(Text),
    [],
    'Classes of problems (cells, as the task names them) that are left out, gold rationales too.',
  ),
});

const Admit = section('admit', {
  outcomes: otherwise(
    setOf(oneOf('solved', 'feedback-only', 'discarded')),
    ['feedback-only', 'solved'],
    'How collection may have closed a trajectory.',
  ),
  firstAnswer: otherwise(
    oneOf('any', 'correct', 'wrong', 'majority'),
    'any',
    'What the first attempt must answer. `majority`: the answer most first attempts at this problem give, ignoring gold (LMSI).',
  ),
  maxWords: otherwise(orNull(Positive), null, 'Longest attempt in words, split on single spaces (§1.3 item 7).'),
  maxTokens: otherwise(orNull(Positive), null, 'Longest row in tokens.'),
  perProblem: otherwise(orNull(Positive), null, 'Trajectories kept per problem, by draw.'),
  withoutLabels: otherwise(
    setOf(Text),
    [],
    'A trajectory is left out when an event of it carries one of these labels with the value true.',
  ),
  withLabels: later(
    setOf(Text),
    [],
    'A trajectory is admitted only when an event of it carries one of these labels with the value true. Empty: none needed.',
  ),
  labelsBy: later(orNull(setOf(Text)), null, "Whose labels count, in every setting that reads labels; null: anyone's."),
  minLogprob: later(
    orNull(Ratio),
    null,
    'Least mean log-probability (nats per token) of the call that wrote the first attempt; what has none is left out.',
  ),
  maxUpdates: later(orNull(Whole), null, 'Most updates of a trajectory.'),
  dedup: otherwise(
    oneOf('none', 'pass', 'iteration', 'scope'),
    'iteration',
    'Within what the same trajectory text is admitted once.',
  ),
  dedupRows: otherwise(oneOf('none', 'pass', 'iteration', 'scope'), 'none', 'The same for the text of a row.'),
});

const Split = section('split', {
  trajectories: otherwise(
    setOf(oneOf('turns', 'whole', 'first', 'final', 'answer', 'critique', 'pairs')),
    ['turns'],
    'The rows one trajectory gives.',
  ),
  gold: otherwise(setOf(oneOf('closing', 'rationale', 'answer')), ['closing'], 'The rows one gold rationale gives.'),
  noProgress: otherwise(
    oneOf('truncate', 'chain'),
    'truncate',
    'A feedback-only trajectory: cut after its first feedback (§1.3 item 6), or taken like a solved one.',
  ),
  changes: later(
    setOf(oneOf(...answerChanges)),
    [...answerChanges].sort(),
    'Improvement rows (SI) by what the update did to the answer, as the verifier found it.',
  ),
  steps: later(orNull(Positive), null, 'Rows of the first so many attempts of a trajectory; null: of all.'),
  keep: otherwise(setOf(UnitKindCodec), [...unitKinds].sort(), 'The kinds of row that are kept.'),
});

const Balance = section('balance', {
  ratio: otherwise(Ratio, 0, 'x_SI : x_T = ratio : 1; 0 or less: all x_T (§1.4).'),
  within: otherwise(oneOf('pass', 'iteration', 'scope'), 'pass', 'What is balanced on its own.'),
  gold: otherwise(
    oneOf('match', 'all'),
    'all',
    '`match`: as many x_GT as x_T were kept, by draw; `all`: every gold row.',
  ),
});

const Weights = section(
  'weights',
  {
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
  } satisfies Readonly<Record<UnitKind, typeof SectionWeights>>,
  "Loss weight of each section by the row's kind; 1 unless given, 0 masks it.",
);

const Factor = section('factor', {
  times: noted(Weight, 'Multiplies the weight; 0 masks.'),
  sections: otherwise(setOf(oneOf(...sectionKinds)), [...sectionKinds].sort(), 'The sections that it is about.'),
  kinds: otherwise(orNull(setOf(UnitKindCodec)), null, 'The kinds of row; null: all.'),
  answer: otherwise(
    orNull(oneOf('right', 'wrong')),
    null,
    'Whether the attempt or update answers right, as verified; of a feedback: the attempt that it judges.',
  ),
  authors: otherwise(orNull(Authors), null, 'Who wrote the section.'),
  label: otherwise(
    orNull(Text),
    null,
    'An event of its trajectory, or its problem, carries this label with the value true.',
  ),
});
export type Factor = t.TypeOf<typeof Factor>;

const digestPattern = '^[0-9a-f]{64}$';
const isDigest = new RegExp(digestPattern);
const SourceDigest = wanted(
  'a SHA-256 in lower-case hex',
  (u): u is Digest => typeof u === 'string' && isDigest.test(u),
  { type: 'string', pattern: digestPattern },
);

const CustomRule = section('rule', {
  module: noted(Text, 'A .js, .cjs or .mjs file, relative to the document: docs/policies.md says what it exports.'),
  name: noted(Name, 'Which of its rules; a decision names admit.custom.<name> or split.custom.<name>.'),
  with: otherwise(AnyJson, null, 'What is handed to the rule.'),
  source: later(
    orNull(SourceDigest),
    null,
    "SHA-256 of the module's text: filled in when the policy is read, held against it where it is given.",
  ),
});
export type CustomRuleRef = t.TypeOf<typeof CustomRule>;

const Limit = section('limit', {
  rows: otherwise(
    orNull(Positive),
    null,
    'Most rows. Soft: no pass is begun once so many are there, gold apart (§1.4). Hard: the rest is not drawn.',
  ),
  kind: otherwise(oneOf('soft', 'hard'), 'soft', 'What `rows` limits: passes that are begun, or rows.'),
  min: otherwise(Whole, 0, 'Fewer rows are not enough to train on; the dataset says so.'),
});

/** Everything of a policy but its name. */
export const policyFields = {
  description: otherwise(Text, '', 'One line: what the rows are.'),
  select: Select,
  admit: Admit,
  split: Split,
  balance: Balance,
  weights: Weights,
  factors: later(
    listOf(Factor),
    [],
    'Factors on those weights, each for the sections of which everything holds that it names.',
  ),
  rules: later(
    listOf(CustomRule),
    [],
    "Rules of modules, after the policy's others: of trajectories at the end of admit, of rows at the end of split.",
  ),
  order: otherwise(
    oneOf('canonical', 'drawn'),
    'canonical',
    '`canonical`: by iteration, pass, problem; `drawn`: by a draw per row.',
  ),
  limit: Limit,
};

export const formatVersion = noted(exactly(1), 'Version of this document format.');
export const PolicyName = noted(Name, 'What the policy is called; part of its identity.');

/**
 * A policy with every default filled in. Its digest is over this form. A setting that came later than the format's first
 * ones is there only where it is not at its default, so that the digests of older policies stay what they are.
 */
export const Policy = section('policy', { policy: formatVersion, name: PolicyName, ...policyFields });
export type Policy = t.TypeOf<typeof Policy>;

/** SHA-256 over the canonical JSON of the filled-in policy. */
export const policyDigest = (policy: Policy): Digest => digestOf(policy);
