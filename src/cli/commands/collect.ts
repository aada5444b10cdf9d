import { collectionIdOf } from '../../../events/collectionStarted';
import { collectShared } from '../../collect/collectShared';
import { collectionOf, collectTrajectories, type CollectPorts } from '../../collect/collectTrajectories';
import { answersOnly, scriptedEditor } from '../../collect/editor';
import { planCalls } from '../../collect/planCalls';
import { collectSettings } from '../../run/loop';
import { poseSet } from '../../run/problems';
import { openAnswering, studentFlags } from '../answering';
import { planLines, shownPlan } from '../callPlan';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, setFlag, type Command } from '../command';
import { withLedger, type Ledger } from '../compose';
import { withDryLedger } from '../dryLedger';
import { onDevice } from '../cuda/device';
import { runPorts } from '../runPorts';
import { must, stop, usage } from '../faults';
import { loadRun } from '../runConfig';
import { shareFlags, sharePorts } from '../sharing';
import { noteIteration } from '../steps';
import { inOrder } from '../inOrder';
import { checkServed, openCalls, openTeacher, teacherFlags, teacherOverrides, teacherSettings } from '../teaching';

export const collect: Command = {
  name: 'collect',
  summary: 'One iteration of interactive trajectory editing: the student answers, a script or a large model edits',
  json: 'object',
  details: [
    'The same config and iteration as in `tripost run` make the same trajectories: run uses what this has collected.',
    'With --share several processes collect into one ledger at the same time: each claims a batch, no call is made twice,',
    'and what a dead process had claimed is taken over. Each ends with the counts of the whole; the rows are the same as of',
    'one process. Without --share a process collects alone, and another one is refused.',
    'With a teacher, or a served student, every call is on the ledger before it is used, and none is made that any',
    'collection on the ledger has made: see `tripost why-call`. A budget is of all served models together, and counts what this',
    'ledger has paid to them.',
    'With --dry-run, JSON: {dryRun, collectionId, model, trajectories, calls: {from, expected, to, reused}, tokens, cost}.',
    'JSON: {runId, iteration, problemSet, student, trajectories, outcomes, newCalls, reusedCalls}.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '-c, --config <file>', description: 'the config of the run' },
    ...studentFlags,
    { flags: '--iteration <n>', description: 'which iteration this is', fallback: '1' },
    { flags: '--seed <n>', description: 'over the config: root of every draw' },
    setFlag,
    { flags: '--dry-run', description: 'print which calls would be made and what they may cost; make none' },
    ...teacherFlags,
    ...shareFlags,
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost collect --config run.yaml --student latest',
    'tripost collect -c run.yaml --student ./student --iteration 2 --json',
    'tripost collect -c run.yaml --student latest --share',
    'tripost collect -c run.yaml --student latest --teacher gpt-4o-mini --max-cost 5 --dry-run',
    'tripost collect -c run.yaml --student endpoint:my-7b --teacher gpt-4o-mini --max-cost 5',
  ],
  run: onDevice(async (args, context) => {
    const iteration = args.whole('iteration') ?? 1;
    if (iteration === 0) usage('--iteration: iterations count from 1');
    args.whole('seed');
    const share = sharePorts(args);
    const { input, file } = loadRun(args.need('config'), args, ['seed'], teacherOverrides(args));
    const { config, task } = input;
    const { script } = task;
    const teaching = teacherSettings(input, file);
    if (script === undefined && teaching === undefined) return stop({ tag: 'NoScript', task: task.name });
    const name = args.need('student');
    checkServed(args, { teacher: teaching !== undefined, student: name.startsWith('endpoint:') });
    const dry = args.has('dryRun');
    const use = async (ledger: Ledger): Promise<void> => {
      const { log, blobs } = ledger;
      const { train, testSeen, testUnseen, seed, gold } = config.task;
      const source = { task, config: config.task.config, seed, counts: { train, testSeen, testUnseen }, gold };
      const calls = await openCalls(args, ledger, context);
      const ports = runPorts(args, ledger, context);
      const answering = await openAnswering(name, args, ledger, calls, {
        openStudents: ports.openStudents,
        batch: config.generate.batch,
      });
      const { student, answers } = answering;
      const editor =
        teaching !== undefined
          ? await openTeacher(task, teaching, calls, blobs)
          : script === undefined
            ? answersOnly
            : scriptedEditor(script);
      try {
        const { set, problems } = must(await poseSet(log, source));
        const training = problems.filter((problem) => problem.split === 'train');
        const settings = collectSettings(config, iteration, set);
        const collectPorts: CollectPorts = {
          ...ports,
          student,
          ...(answers === undefined ? {} : { answers }),
          editor,
          task,
          onProgress: (progress) => ports.onProgress({ phase: 'collect', iteration, progress }),
        };
        if (dry) {
          const { ref } = student;
          const collectionId = collectionIdOf(collectionOf(settings, ref, editor));
          const plan = must(
            await planCalls(training, { ...settings, collectionId }, collectPorts, teaching !== undefined),
          );
          const model = teaching?.model ?? name.replace(/^endpoint:/, '');
          const shown = await shownPlan(plan, editor.model ?? ref, model, log, args);
          if (context.json) return await context.out.json({ dryRun: true, collectionId, ...shown });
          return await context.out.line([...planLines(shown), 'Nothing was written, and no call was made.'].join('\n'));
        }
        const runId = await noteIteration(input, ports, iteration, student.ref, set, editor);
        const { done, outcomes, newCalls, reusedCalls } = must(
          share === undefined
            ? await collectTrajectories(training, settings, collectPorts)
            : await collectShared(training, settings, { ...collectPorts, share }),
        );
        context.progress.end();
        const { ref } = student;
        const by = ref.kind === 'checkpoint' ? ref.digest : `endpoint:${ref.name}`;
        const result = {
          runId,
          iteration,
          problemSet: set,
          student: by,
          trajectories: done,
          outcomes,
          newCalls,
          reusedCalls,
        };
        if (context.json) return await context.out.json(result);
        const shownBy = ref.kind === 'checkpoint' ? `checkpoint ${ref.digest.slice(0, 12)}` : by;
        await context.out.line(`run ${runId}, iteration ${iteration}: ${done} trajectories by ${shownBy}`);
        for (const [outcome, n] of inOrder(outcomes)) await context.out.line(`  ${outcome.padEnd(14)} ${n}`);
        await context.out.line(`${newCalls} calls made, ${reusedCalls} found on the ledger`);
      } finally {
        await answering.release();
        await calls.close();
      }
    };
    await (dry ? withDryLedger(args, context, use) : withLedger(args, context, 'collect', use));
    return 'ok';
  }),
};
