import type { MetricFiles, Metrics } from './metricRun';
import { mlflow } from './mlflow';
import { otel } from './otel';
import { tensorboard } from './tensorboard';

/** One way to write metrics: of the values of runs, or of the model calls. The same metrics give the same bytes. */
export interface MetricFormat {
  readonly of: 'values' | 'calls';
  readonly write: (metrics: Metrics) => MetricFiles;
  /** What opens the folder. */
  readonly reader: string;
}

/** Every format by name. Adding one is a file and an entry here. */
export const metricFormats: ReadonlyMap<string, MetricFormat> = new Map<string, MetricFormat>([
  ['tensorboard', { of: 'values', write: tensorboard, reader: 'tensorboard --logdir' }],
  ['mlflow', { of: 'values', write: mlflow, reader: 'MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri' }],
  ['otel', { of: 'calls', write: otel, reader: 'an OpenTelemetry Collector with its otlpjsonfile receiver, on' }],
]);
