import { Writer } from 'protobufjs/minimal';
import { crc32c, masked } from './crc32c';
import type { MetricFiles, MetricPoint, Metrics } from './metricRun';

/** One record: length, its masked CRC-32C, the bytes, their masked CRC-32C; little-endian (TFRecord). */
export const record = (data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(data)), true);
  return bytes;
};

/** tensorflow.Event: wall_time = 1 (double, seconds), step = 2 (int64), file_version = 3 (string), summary = 5. */
const firstEvent = (time: number): Uint8Array =>
  Writer.create()
    .uint32(9)
    .double(time / 1000)
    .uint32(26)
    .string('brain.Event:2')
    .finish();

/** summary.value = 1 (repeated): tag = 1 (string), simple_value = 2 (float). */
const scalars = (points: readonly MetricPoint[], time: number, step: number): Uint8Array => {
  const event = Writer.create()
    .uint32(9)
    .double(time / 1000)
    .uint32(16)
    .int64(step)
    .uint32(42)
    .fork();
  for (const { metric, value } of points)
    event.uint32(10).fork().uint32(10).string(metric).uint32(21).float(value).ldelim();
  return event.ldelim().finish();
};

/** Neighbouring points of one step and time, which share an event. */
const byStep = (points: readonly MetricPoint[]): readonly (readonly [MetricPoint, ...MetricPoint[]])[] => {
  const groups: [MetricPoint, ...MetricPoint[]][] = [];
  for (const point of points) {
    const last = groups.at(-1);
    if (last !== undefined && last[0].step === point.step && last[0].time === point.time) last.push(point);
    else groups.push([point]);
  }
  return groups;
};

/**
 * TensorBoard's event files, a folder for each run: scalars, single precision as TensorBoard keeps them. Wall times are those
 * at which the ledger recorded a value; steps are optimizer steps or iterations.
 */
export const tensorboard = ({ runs }: Metrics): MetricFiles =>
  new Map(
    runs
      .filter(({ points }) => points.length > 0)
      .map(({ path, started, points }) => {
        const records = [
          firstEvent(started),
          ...byStep(points).map((group) => scalars(group, group[0].time, group[0].step)),
        ];
        const seconds = String(Math.floor(started / 1000)).padStart(10, '0');
        return [
          [...path, `events.out.tfevents.${seconds}.tripost`].join('/'),
          Buffer.concat(records.map(record)),
        ] as const;
      }),
  );
