import { sectionKinds, unitKinds, type Factor, type Policy, type UnitKind } from './policy';

/** What a policy does, stage by stage, as a person would say it. */

export const stages = ['select', 'admit', 'split', 'balance', 'weights', 'order', 'limit'] as const;
export type Stage = (typeof stages)[number];

const listed = (words: readonly string[], last = 'and'): string => {
  if (words.length < 2) return words[0] ?? 'nothing';
  return `${words.slice(0, -1).join(', ')} ${last} ${words[words.length - 1]}`;
};

const usesGold = ({ select }: Policy): boolean => select.sources.includes('gold');
const usesTrajectories = ({ select }: Policy): boolean => select.sources.includes('trajectories');

const bounds = (from: number | null, to: number | null): readonly string[] =>
  from === null && to === null
    ? []
    : [`Of these, iterations ${from === null ? 'up' : `from ${from}`}${to === null ? ' on' : ` to ${to}`} are taken.`];

/** What is left out: of trajectories, and of gold too. */
const leftOutSays = ({ select }: Policy): readonly string[] => {
  const { withoutIterations: iterations = [], withoutTeachers: teachers = [], withoutCells: cells = [] } = select;
  return [
    ...(iterations.length === 0 ? [] : [`Without iteration ${listed(iterations.map(String))}.`]),
    ...(teachers.length === 0 ? [] : [`Without what ${listed(teachers, 'or')} had a part in.`]),
    ...(cells.length === 0 ? [] : [`Without problems of the class ${listed(cells, 'or')}.`]),
  ];
};

const selectSays = (policy: Policy): readonly string[] => {
  const { sources, iterations, authors, teachers = null, fromIteration = null, toIteration = null } = policy.select;
  if (sources.length === 0) return ['Nothing is taken.'];
  const what = sources.map((source) => (source === 'gold' ? 'gold rationales' : 'trajectories')).reverse();
  const said = [`${listed(what)} of the train problems are taken`.replace(/^./, (letter) => letter.toUpperCase())];
  const when = iterations === 'through' ? ', of the iteration and all before it.' : ', of the iteration alone.';
  if (!usesTrajectories(policy)) return [`${said.join('')}.`, ...leftOutSays(policy)];
  const limited = (['attempt', 'feedback', 'improvement'] as const).filter((kind) => authors[kind].length < 3);
  const names = { attempt: 'attempts', feedback: 'feedback', improvement: 'updates' };
  return [
    `${said.join('')}${when}`,
    ...bounds(fromIteration, toIteration),
    ...limited.map((kind) => `A trajectory counts only with ${names[kind]} by ${listed(authors[kind], 'or')}.`),
    ...(teachers === null ? [] : [`Calls of the teacher must be of ${listed(teachers, 'or')}.`]),
    ...leftOutSays(policy),
  ];
};

const answers: Readonly<Record<Exclude<Policy['admit']['firstAnswer'], 'any'>, string>> = {
  correct: 'answers right',
  wrong: 'answers wrong',
  majority: 'answers what most first attempts at its problem answer',
};

const places = { pass: 'a pass', iteration: 'an iteration', scope: 'everything in scope' } as const;

const admitSays = (policy: Policy): readonly string[] => {
  const { admit } = policy;
  const by = (admit.labelsBy ?? null) === null ? '' : ` given by ${listed(admit.labelsBy ?? [], 'or')}`;
  const withLabels = admit.withLabels ?? [];
  const rows = [
    ...(admit.maxTokens === null ? [] : [`Rows have at most ${admit.maxTokens} tokens.`]),
    ...(admit.dedupRows === 'none'
      ? []
      : [`Of rows with the same text within ${places[admit.dedupRows]} one is kept.`]),
  ];
  const own = (policy.rules ?? []).map(
    ({ name, module, source, with: given }) =>
      `Then the rule ${name} of ${module} is asked${given === null ? '' : `, with ${JSON.stringify(given)}`} (source ${source?.slice(0, 12) ?? 'not read'}).`,
  );
  if (!usesTrajectories(policy)) return [...rows, ...own];
  return [
    `A trajectory must be closed as ${listed(admit.outcomes, 'or')}.`,
    ...(admit.firstAnswer === 'any' ? [] : [`Its first attempt ${answers[admit.firstAnswer]}.`]),
    ...(admit.maxWords === null ? [] : [`No attempt or update has more than ${admit.maxWords} words.`]),
    ...(typeof admit.minLogprob === 'number'
      ? [`The call of its first attempt has a mean log-probability of at least ${admit.minLogprob} nats a token.`]
      : []),
    ...(typeof admit.maxUpdates === 'number' ? [`It has at most ${admit.maxUpdates} updates.`] : []),
    ...(admit.withoutLabels.length === 0
      ? []
      : [`It must not carry the label ${listed(admit.withoutLabels, 'or')}${by}.`]),
    ...(withLabels.length === 0 ? [] : [`It must carry the label ${listed(withLabels, 'or')}${by}.`]),
    ...(admit.dedup === 'none'
      ? []
      : [`Of those with the same text within ${places[admit.dedup]} the first is admitted.`]),
    ...(admit.perProblem === null ? [] : [`At most ${admit.perProblem} are admitted per problem, by draw.`]),
    ...rows,
    ...own,
  ];
};

const modes: Readonly<Record<Policy['split']['trajectories'][number], string>> = {
  turns: 'each step of a trajectory: attempt, feedback and update (SI), the last attempt with its closing feedback (T)',
  whole: 'the whole trajectory',
  first: 'the first attempt',
  final: 'the last attempt, as if it were the first',
  answer: "the first attempt's answer alone",
  critique: 'each attempt with its feedback',
  pairs: 'a wrong first attempt with a right one of another trajectory as its update, by draw',
};

const goldModes: Readonly<Record<Policy['split']['gold'][number], string>> = {
  closing: 'the rationale with its closing feedback',
  rationale: 'the rationale',
  answer: 'its answer alone',
};

const splitSays = (policy: Policy): readonly string[] => {
  const { trajectories, gold, noProgress, keep, changes, steps = null } = policy.split;
  const lost = unitKinds.filter((kind) => !keep.includes(kind));
  const cut = trajectories.some((mode) => mode === 'turns' || mode === 'whole');
  return [
    ...(usesTrajectories(policy)
      ? [
          `Rows of a trajectory: ${listed(
            trajectories.map((mode) => modes[mode]),
            'and',
          )}.`,
        ]
      : []),
    ...(usesTrajectories(policy) && cut && policy.admit.outcomes.includes('feedback-only')
      ? [
          noProgress === 'truncate'
            ? 'One that made no progress is cut after its first feedback.'
            : 'One that made no progress is taken like a solved one.',
        ]
      : []),
    ...(usesGold(policy) ? [`Rows of a gold rationale: ${listed(gold.map((mode) => goldModes[mode]))}.`] : []),
    ...(changes === undefined
      ? []
      : [
          `Improvement rows are kept where the answer went ${listed(
            changes.map((c) => c.replaceAll('-', ' ')),
            'or',
          )}.`,
        ]),
    ...(steps === null
      ? []
      : [`Rows of the first ${steps === 1 ? 'attempt' : `${steps} attempts`} of a trajectory are kept.`]),
    ...(lost.length === 0 ? [] : [`Only rows of these kinds are kept: ${listed(keep)}.`]),
  ];
};

const balanceSays = (policy: Policy): readonly string[] => {
  const { ratio, within, gold } = policy.balance;
  const share =
    usesGold(policy) && gold === 'match' ? ` (of all rows, ${(ratio / (ratio + 2)).toFixed(2)} are x_SI)` : '';
  return [
    ...(usesTrajectories(policy)
      ? [
          ratio > 0
            ? `x_SI : x_T = ${ratio} : 1 within ${places[within]}: the x_T that stay are drawn${share}.`
            : 'Every x_T is kept.',
        ]
      : []),
    ...(usesGold(policy)
      ? [gold === 'match' ? 'Gold is drawn to be as much as the x_T that stayed.' : 'All gold is kept.']
      : []),
  ];
};

const factorSays = ({ times, sections, kinds, answer, authors, label }: Factor): string => {
  const of = sections.length === sectionKinds.length ? 'every section' : listed(sections);
  const where = [
    ...(kinds === null ? [] : [`in ${listed(kinds, 'or')} rows`]),
    ...(answer === null ? [] : [`that ${answer === 'right' ? 'answers right' : 'answers wrong'}`]),
    ...(authors === null ? [] : [`by ${listed(authors, 'or')}`]),
    ...(label === null ? [] : [`of a trajectory labelled ${label}`]),
  ];
  return `Times ${times}: ${[of, ...where].join(' ')}.`;
};

/** Kinds with the same weights together; those that are 1 throughout are not named. */
const weightsSay = ({ weights, factors = [] }: Policy): readonly string[] => {
  const groups = new Map<string, UnitKind[]>();
  for (const kind of unitKinds) {
    const own = sectionKinds.filter((section) => weights[kind][section] !== 1);
    const key = listed(own.map((section) => `${section} ${weights[kind][section]}`));
    if (own.length > 0) groups.set(key, [...(groups.get(key) ?? []), kind]);
  }
  const said = [...groups].map(([text, kinds]) => `${listed(kinds)}: ${text}.`);
  return [
    said.length === 0 ? 'Every token counts 1 in the loss.' : 'Every token counts 1 in the loss, but:',
    ...said,
    ...factors.map(factorSays),
  ];
};

const limitSays = ({ limit: { rows, kind, min } }: Policy): readonly string[] => [
  rows === null
    ? 'There is no limit on rows.'
    : kind === 'soft'
      ? `No pass is begun once there are ${rows} rows of trajectories.`
      : `${rows} rows are drawn where there are more.`,
  ...(min === 0 ? [] : [`Fewer than ${min} rows are not trained on.`]),
];

/** What each stage does, in sentences. */
export const policySentences = (policy: Policy): Readonly<Record<Stage, readonly string[]>> => ({
  select: selectSays(policy),
  admit: admitSays(policy),
  split: splitSays(policy),
  balance: balanceSays(policy),
  weights: weightsSay(policy),
  order: [
    policy.order === 'drawn' ? 'Rows are in drawn order.' : 'Rows are in the order of iteration, pass and problem.',
  ],
  limit: limitSays(policy),
});
