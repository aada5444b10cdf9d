import { answersOnly, scriptedEditor, type Editor } from '../../collect/editor';
import type { CollectPorts } from '../../collect/collectTrajectories';
import { withAnswerPrompt } from '../../collect/teacherEditor';
import type { Answers } from '../../collect/answer';
import { promptBytes } from '../../prompts/promptSet';
import { baselines, runBaseline, type BaselineName } from '../../run/baseline';
import { collectSettings } from '../../run/loop';
import { poseSet } from '../../run/problems';
import { openAnswering, studentFlags } from '../answering';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, setFlag, type Command } from '../command';
import { withLedger } from '../compose';
import { onDevice } from '../cuda/device';
import { must, stop, usage } from '../faults';
import { inOrder } from '../inOrder';
import { loadPolicy } from '../policyFile';
import { loadPrompts } from '../promptFolder';
import { loadRun } from '../runConfig';
import { runPorts } from '../runPorts';
import {
  checkServed,
  openCalls,
  openTeacher,
  putAll,
  teacherFlags,
  teacherOverrides,
  teacherSettings,
} from '../teaching';

const isBaseline = (name: string): name is BaselineName => Object.hasOwn(baselines, name);

const lines = Object.entries(baselines).map(([name, { what }]) => `  ${name.padEnd(10)} ${what}`);

export const baseline: Command = {
  name: 'baseline',
  summary:
    "Collect what a baseline learns from and derive its dataset: SI demo, LMSI, STaR with the student's or a large model's help",
  json: 'object',
  details: [
    ...lines,
    'The dataset is trained on with `tripost train`. Few-shot prompting, with and without self-improvement, is a score and no',
    'dataset: `tripost evaluate --checkpoint endpoint:<model> --prompting few-shot`.',
    'Running it again on the same ledger goes on where it stopped; no call is made twice.',
    'JSON: {baseline, runId, collections: [{collectionId, trajectories, newCalls, reusedCalls, outcomes}], dataset, rows, policy}.',
  ].join('\n'),
  arguments: [{ name: '<name>', description: Object.keys(baselines).join(', ') }],
  flags: [
    ledgerFlag,
    {
      flags: '-c, --config <file>',
      description: 'the config of a run: task, sampling, and how trajectories are edited',
    },
    ...studentFlags,
    { flags: '--seed <n>', description: 'over the config: root of every draw' },
    setFlag,
    ...teacherFlags,
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost baseline si-demo -c run.yaml --teacher gpt-4o-mini --max-cost 5',
    'tripost baseline lmsi-vote -c run.yaml --student latest',
    'tripost baseline star -c run.yaml --student latest --teacher gpt-4o-mini --json',
  ],
  run: onDevice(async (args, context) => {
    const name = args.at(0);
    if (!isBaseline(name))
      return stop({
        tag: 'UnknownName',
        message: `There is no baseline "${name}". The baselines are ${Object.keys(baselines).join(', ')}.`,
      });
    const spec = baselines[name];
    const { input, file } = loadRun(args.need('config'), args, ['seed'], teacherOverrides(args));
    const { config, task } = input;
    const teaching = teacherSettings(input, file);
    const studentName = args.text('student');
    const byTeacher = spec.attempts === 'teacher';
    if (byTeacher && teaching === undefined) usage(`${name} needs a large model: name it with --teacher`);
    if (!byTeacher && studentName === undefined) usage(`${name} needs a student: name it with --student`);
    const servedStudent = studentName?.startsWith('endpoint:') === true;
    if (spec.hints && teaching === undefined && !servedStudent)
      usage(`${name} needs a model that can be given a hint: --teacher <model>, or --student endpoint:<model>`);
    checkServed(args, { teacher: teaching !== undefined, student: servedStudent });
    const prompts = teaching?.prompts ?? loadPrompts(task, args.text('prompts'));
    await withLedger(args, context, 'collect', async (ledger) => {
      const { log, blobs } = ledger;
      const calls = await openCalls(args, ledger, context);
      const ports = runPorts(args, ledger, context);
      const { train, testSeen, testUnseen, seed, gold } = config.task;
      const source = { task, config: config.task.config, seed, counts: { train, testSeen, testUnseen }, gold };
      const { set, problems } = must(await poseSet(log, source));
      const editor: Editor =
        !spec.edits || (teaching === undefined && task.script === undefined)
          ? answersOnly
          : teaching === undefined
            ? scriptedEditor(task.script ?? stop({ tag: 'NoScript', task: task.name }))
            : await openTeacher(task, teaching, calls, blobs);
      const answering =
        byTeacher || studentName === undefined
          ? undefined
          : await openAnswering(studentName, args, ledger, calls, {
              openStudents: ports.openStudents,
              batch: config.generate.batch,
            });
      /** A large model, or the served student, that answers under a prompt. */
      const under = async (
        kind: 'rationale' | 'hinted',
        edit: Editor,
      ): Promise<Pick<CollectPorts, 'student' | 'answers' | 'editor'>> => {
        const caller =
          teaching === undefined
            ? (answering?.answers ?? usage('there is no served model')).caller
            : await calls.caller(teaching.model, 'teacher');
        const answers: Answers = { caller, prompt: prompts[kind] };
        const { editor: planned, bytes } = withAnswerPrompt(edit, prompts[kind]);
        await putAll(blobs, [bytes, promptBytes(prompts[kind])]);
        const { model } = caller.ports;
        return { student: { ...model, batch: 4 * model.batch }, answers, editor: planned };
      };
      const common = {
        ...ports,
        task,
        onProgress: (progress: Parameters<NonNullable<CollectPorts['onProgress']>>[0]) =>
          ports.onProgress({ phase: 'collect', iteration: 1, progress }),
      };
      try {
        const first =
          answering === undefined
            ? await under('rationale', editor)
            : {
                student: answering.student,
                ...(answering.answers === undefined ? {} : { answers: answering.answers }),
                editor,
              };
        const hinted = spec.hints ? { hinted: { ...common, ...(await under('hinted', answersOnly)) } } : {};
        const result = must(
          await runBaseline(
            {
              name,
              settings: collectSettings(config, 1, set),
              policy: loadPolicy(spec.policy, process.cwd()),
              problems: problems.filter((problem) => problem.split === 'train'),
              problemSet: set,
            },
            { ...ports, collect: { ...common, ...first }, ...hinted },
          ),
        );
        context.progress.end();
        const { dataset, rows, policy } = result.derived.event;
        const collections = result.collections.map(({ collectionId, progress }) => ({
          collectionId,
          trajectories: progress.done,
          newCalls: progress.newCalls,
          reusedCalls: progress.reusedCalls,
          outcomes: progress.outcomes,
        }));
        if (context.json)
          return await context.out.json({
            baseline: name,
            runId: result.runId,
            collections,
            dataset,
            rows,
            policy: policy.name,
          });
        for (const one of collections) {
          const outcomes = inOrder(one.outcomes)
            .map(([outcome, n]) => `${outcome} ${n}`)
            .join(', ');
          await context.out.line(
            `collection ${one.collectionId}: ${one.trajectories} trajectories (${outcomes}); ${one.newCalls} calls made, ${one.reusedCalls} found on the ledger`,
          );
        }
        await context.out.line(`dataset ${dataset}: ${rows} rows under ${policy.name}`);
      } finally {
        await answering?.release();
        await calls.close();
      }
    });
    return 'ok';
  }),
};
