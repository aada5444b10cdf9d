import { collectShared } from '../../collect/collectShared';
import { collectTrajectories, type CollectPorts } from '../../collect/collectTrajectories';
import { scriptedEditor } from '../../collect/editor';
import { collectSettings } from '../../run/loop';
import { poseSet } from '../../run/problems';
import { jsonFlag, ledgerFlag, progressFlags, runtimeFlags, setFlag, type Command } from '../command';
import { withLedger } from '../compose';
import { onDevice } from '../cuda/device';
import { runPorts } from '../runPorts';
import { must, stop, usage } from '../faults';
import { loadRun } from '../runConfig';
import { shareFlags, sharePorts } from '../sharing';
import { noteIteration } from '../steps';
import { loadStudent } from '../student';
import { inOrder } from '../inOrder';

export const collect: Command = {
  name: 'collect',
  summary: 'One iteration of interactive trajectory editing: the student answers, the script edits',
  json: 'object',
  details: [
    'The same config and iteration as in `tripost run` make the same trajectories: run uses what this has collected.',
    'With --share several processes collect into one ledger at the same time: each claims a batch, no call is made twice,',
    'and what a dead process had claimed is taken over. Each ends with the counts of the whole; the rows are the same as of',
    'one process. Without --share a process collects alone, and another one is refused.',
    'JSON: {runId, iteration, problemSet, student, trajectories, outcomes, newCalls, reusedCalls}.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '-c, --config <file>', description: 'the config of the run' },
    {
      flags: '--student <checkpoint>',
      description: 'who answers: a checkpoint (digest, prefix, latest), or a model folder',
    },
    { flags: '--iteration <n>', description: 'which iteration this is', fallback: '1' },
    { flags: '--seed <n>', description: 'over the config: root of every draw' },
    setFlag,
    ...shareFlags,
    ...runtimeFlags,
    jsonFlag,
    ...progressFlags,
  ],
  examples: [
    'tripost collect --config run.yaml --student latest',
    'tripost collect -c run.yaml --student ./student --iteration 2 --json',
    'tripost collect -c run.yaml --student latest --share',
  ],
  run: onDevice(async (args, context) => {
    const iteration = args.whole('iteration') ?? 1;
    if (iteration === 0) usage('--iteration: iterations count from 1');
    args.whole('seed');
    const share = sharePorts(args);
    const { input } = loadRun(args.need('config'), args, ['seed']);
    const { config, task } = input;
    const { script } = task;
    if (script === undefined) return stop({ tag: 'NoScript', task: task.name });
    const name = args.need('student');
    await withLedger(args, context, 'collect', async (ledger) => {
      const { log } = ledger;
      const { train, testSeen, testUnseen, seed, gold } = config.task;
      const source = { task, config: config.task.config, seed, counts: { train, testSeen, testUnseen }, gold };
      const student = await loadStudent(name, ledger);
      const { set, problems } = must(await poseSet(log, source));
      const ports = runPorts(args, ledger, context);
      const students = ports.openStudents();
      const editor = scriptedEditor(script);
      const runId = await noteIteration(input, ports, iteration, student.digest, set, editor);
      const { digest: checkpoint, shape, weights, tokenizer, kept } = student;
      try {
        const training = problems.filter((problem) => problem.split === 'train');
        const settings = collectSettings(config, iteration, set);
        const collectPorts: CollectPorts = {
          ...ports,
          student: students.open({
            checkpoint,
            shape,
            weights,
            tokenizer,
            stopIds: kept?.stopIds,
            batch: config.generate.batch,
          }),
          editor,
          task,
          onProgress: (progress) => ports.onProgress({ phase: 'collect', iteration, progress }),
        };
        const { done, outcomes, newCalls, reusedCalls } = must(
          share === undefined
            ? await collectTrajectories(training, settings, collectPorts)
            : await collectShared(training, settings, { ...collectPorts, share }),
        );
        context.progress.end();
        const result = {
          runId,
          iteration,
          problemSet: set,
          student: checkpoint,
          trajectories: done,
          outcomes,
          newCalls,
          reusedCalls,
        };
        if (context.json) return await context.out.json(result);
        await context.out.line(
          `run ${runId}, iteration ${iteration}: ${done} trajectories by checkpoint ${checkpoint.slice(0, 12)}`,
        );
        for (const [outcome, n] of inOrder(outcomes)) await context.out.line(`  ${outcome.padEnd(14)} ${n}`);
        await context.out.line(`${newCalls} calls made, ${reusedCalls} found on the ledger`);
      } finally {
        await students.release();
      }
    });
    return 'ok';
  }),
};
