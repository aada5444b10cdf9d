import { canonicalJson, contentId } from '../../events/digest';
import type { MetricFiles, MetricRun, Metrics } from './metricRun';

/** A file's lines of `key: value`; JSON text is YAML. */
const yaml = (fields: Readonly<Record<string, string | number | null | readonly never[]>>): string =>
  Object.entries(fields)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');

/** MLflow's names of metrics and parameters: letters, digits, `_ - . : /` and spaces; they are paths of files too. */
const keyName = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9_\-.:/ ]/g, '_')
    .split('/')
    .map((part) => (part === '' || /^\.+$/.test(part) ? '_' : part))
    .join('/')
    .slice(0, 200);

/** mlflow.entities.RunStatus. */
const statuses = { running: 1, finished: 3 } as const;

const filesOf = (run: MetricRun, experiment: string): readonly (readonly [string, string])[] => {
  const { id, kind, name, started, ended, complete, params, tags, points, parent } = run;
  const metrics = new Map<string, string[]>();
  for (const { metric, step, time, value } of points) {
    const lines = metrics.get(metric) ?? [];
    lines.push(`${time} ${value} ${step}\n`);
    metrics.set(metric, lines);
  }
  const allTags = [
    ['mlflow.runName', name],
    ['mlflow.user', 'tripost'],
    ['mlflow.source.type', 'LOCAL'],
    ...(parent === null ? [] : [['mlflow.parentRunId', parent] as const]),
    ...tags.map(([key, value]) => [`tripost.${key}`, value] as const),
  ] as const;
  const meta = yaml({
    artifact_uri: `mlflow-artifacts:/${experiment}/${id}/artifacts`,
    end_time: complete ? ended : null,
    entry_point_name: '',
    experiment_id: experiment,
    lifecycle_stage: 'active',
    run_id: id,
    run_name: name,
    run_uuid: id,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: started,
    status: complete ? statuses.finished : statuses.running,
    tags: [],
    user_id: 'tripost',
  });
  return [
    ['meta.yaml', meta],
    // A run without each of the folders metrics, params and artifacts is not found again by its id.
    ['artifacts/tripost.json', `${canonicalJson(Object.fromEntries(tags))}\n`],
    ['params/tripost.kind', kind],
    ...params.map(([key, value]) => [`params/${keyName(key)}`, value] as const),
    ...allTags.map(([key, value]) => [`tags/${keyName(key)}`, value] as const),
    ...[...metrics].map(([key, lines]) => [`metrics/${keyName(key)}`, lines.join('')] as const),
  ];
};

/**
 * MLflow's file store: a folder for the experiment, one for each run in it; trainings are children of their runs. Times are
 * those at which the ledger recorded a value. The one artifact names what a run is on the ledger: checkpoints stay in the blob
 * store, under their digests. What has measured nothing yet is left out.
 */
export const mlflow = ({ id, name, runs: all }: Metrics): MetricFiles => {
  const runs = all.filter(({ points }) => points.length > 0);
  // Eighteen decimal digits, as MLflow makes them.
  const experiment = String(
    100_000_000_000_000_000n +
      (BigInt(`0x${contentId(['mlflow', id]).replaceAll('-', '').slice(0, 14)}`) % 900_000_000_000_000_000n),
  );
  const times = runs.flatMap(({ started, ended }) => [started, ended ?? started]);
  const meta = yaml({
    artifact_location: `mlflow-artifacts:/${experiment}`,
    creation_time: times.reduce((a, b) => Math.min(a, b), Number.MAX_SAFE_INTEGER),
    experiment_id: experiment,
    last_update_time: times.reduce((a, b) => Math.max(a, b), 0),
    lifecycle_stage: 'active',
    name,
  });
  const encoder = new TextEncoder();
  const files = [
    ['meta.yaml', meta] as const,
    ...runs.flatMap((run) => filesOf(run, experiment).map(([path, text]) => [`${run.id}/${path}`, text] as const)),
  ];
  return new Map(files.map(([path, text]) => [`${experiment}/${path}`, encoder.encode(text)]));
};
