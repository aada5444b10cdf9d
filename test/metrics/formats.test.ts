import { Reader } from 'protobufjs/minimal';
import { parse } from 'yaml';
import { crc32c, masked } from '../../src/metrics/crc32c';
import type { MetricFiles, Metrics, MetricRun } from '../../src/metrics/metricRun';
import { metricFormats } from '../../src/metrics/formats';
import { mlflow } from '../../src/metrics/mlflow';
import { otel } from '../../src/metrics/otel';
import { record, tensorboard } from '../../src/metrics/tensorboard';
import { the } from '../support/events';
import { metricsOf } from './collected';

const metrics = metricsOf();
const textOf = (files: MetricFiles, path: string): string => new TextDecoder().decode(the(files.get(path)));

describe('CRC-32C', () => {
  it('is that of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  it('is masked as LevelDB masks it', () => {
    // ((crc >> 15) | (crc << 17)) + 0xa282ead8 in 32 bits, by hand.
    expect(masked(0)).toBe(0xa282ead8);
    expect(masked(0x8000)).toBe(0xa282ead9);
    expect(masked(0xffffffff)).toBe(0xa282ead7);
  });
});

interface Scalar {
  readonly tag: string;
  readonly step: number;
  readonly wall: number;
  readonly value: number;
}

/** An event file as a reader of the formats' own descriptions sees it: every checksum looked at. */
const eventsOf = (bytes: Uint8Array): { readonly version: string; readonly scalars: readonly Scalar[] } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let version = '';
  const scalars: Scalar[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expect(view.getUint32(at + 8, true)).toBe(masked(crc32c(bytes.subarray(at, at + 8))));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(masked(crc32c(data)));
    at += 16 + length;
    const event = Reader.create(data);
    let [wall, step] = [Number.NaN, 0];
    while (event.pos < event.len) {
      const key = event.uint32();
      if (key === 9) wall = event.double();
      else if (key === 16) step = Number(event.int64());
      else if (key === 26) version = event.string();
      else if (key === 42) {
        const end = event.uint32() + event.pos;
        while (event.pos < end) {
          expect(event.uint32()).toBe(10);
          const last = event.uint32() + event.pos;
          expect(event.uint32()).toBe(10);
          const tag = event.string();
          expect(event.uint32()).toBe(21);
          scalars.push({ tag, step, wall, value: event.float() });
          expect(event.pos).toBe(last);
        }
      } else throw new Error(`an event has no field with the key ${key}`);
    }
  }
  return { version, scalars };
};

describe('TensorBoard', () => {
  const files = tensorboard(metrics);

  it('has a file for each run, whose scalars are the points in single precision', () => {
    expect(files.size).toBe(metrics.runs.length);
    for (const { path, points, started } of metrics.runs) {
      const file = the(files.get([...path, `events.out.tfevents.${Math.floor(started / 1000)}.tripost`].join('/')));
      const { version, scalars } = eventsOf(file);
      expect(version).toBe('brain.Event:2');
      expect(scalars).toEqual(
        points.map(({ metric, step, time, value }) => ({
          tag: metric,
          step,
          wall: time / 1000,
          value: Math.fround(value),
        })),
      );
    }
  });

  it('frames a record as TFRecord does', () => {
    // Length 1, its masked CRC, the byte, its masked CRC: as tensorboard's own writer makes them.
    const bytes = Buffer.from(record(Uint8Array.of(0x61)));
    expect(bytes.subarray(0, 8).toString('hex')).toBe('0100000000000000');
    expect(bytes).toHaveLength(17);
    expect(bytes.readUInt32LE(13)).toBe(masked(0xc1d04330));
  });
});

describe('MLflow', () => {
  const files = mlflow(metrics);
  const [root = ''] = [...files.keys()].map((path) => path.split('/')[0] ?? '');

  it('has the layout of the file store', () => {
    expect(root).toMatch(/^[1-9][0-9]{17}$/);
    expect(parse(textOf(files, `${root}/meta.yaml`))).toMatchObject({
      experiment_id: root,
      lifecycle_stage: 'active',
      name: metrics.name,
    });
    for (const run of metrics.runs) {
      const meta: unknown = parse(textOf(files, `${root}/${run.id}/meta.yaml`));
      expect(meta).toMatchObject({
        run_id: run.id,
        run_uuid: run.id,
        experiment_id: root,
        run_name: run.name,
        status: 3,
        start_time: run.started,
        end_time: run.ended,
      });
      expect(textOf(files, `${root}/${run.id}/tags/mlflow.runName`)).toBe(run.name);
      const parent = files.get(`${root}/${run.id}/tags/mlflow.parentRunId`);
      expect(parent === undefined ? null : new TextDecoder().decode(parent)).toBe(run.parent);
      for (const [key, value] of run.params) expect(textOf(files, `${root}/${run.id}/params/${key}`)).toBe(value);
      const folders = new Set(
        [...files.keys()].filter((path) => path.startsWith(`${root}/${run.id}/`)).map((path) => path.split('/')[2]),
      );
      expect(folders).toEqual(new Set(['artifacts', 'meta.yaml', 'metrics', 'params', 'tags']));
    }
  });

  it('has every point, exactly', () => {
    for (const run of metrics.runs) {
      const names = [...new Set(run.points.map(({ metric }) => metric))];
      for (const name of names) {
        const lines = textOf(files, `${root}/${run.id}/metrics/${name}`).trimEnd().split('\n');
        expect(lines.map((line) => line.split(' ').map(Number))).toEqual(
          run.points.filter(({ metric }) => metric === name).map(({ time, value, step }) => [time, value, step]),
        );
      }
    }
  });

  it('has no path that leaves the folder, and none that is a folder and a file', () => {
    const odd: MetricRun = {
      ...the(metrics.runs[0]),
      params: [
        ['../../x', 'y'],
        ['a\nb', 'c'],
      ],
    };
    const paths = [...mlflow({ ...metrics, runs: [odd] }).keys()];
    for (const path of paths) {
      expect(path.split('/').filter((part) => part === '..' || part === '.' || part === '')).toEqual([]);
      expect(paths.filter((other) => other.startsWith(`${path}/`))).toEqual([]);
    }
  });

  it('leaves an unfinished run running', () => {
    const running: Metrics = { ...metrics, runs: metrics.runs.map((run) => ({ ...run, complete: false })) };
    const id = the(running.runs[0]).id;
    expect(parse(textOf(mlflow(running), `${root}/${id}/meta.yaml`))).toMatchObject({ status: 1, end_time: null });
  });
});

describe('OpenTelemetry', () => {
  const lines = textOf(otel(metrics), 'traces.jsonl').trimEnd().split('\n');
  const spans = lines.flatMap((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans);
  const attributesOf = (span: { attributes: readonly { key: string; value: object }[] }): Record<string, unknown> =>
    Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

  it('has a span for each call, under the trace of its trajectory', () => {
    expect(spans).toHaveLength(metrics.calls.length);
    for (const [i, call] of metrics.calls.entries()) {
      const span = spans[i];
      expect(span.traceId).toBe(call.trajectoryId.replaceAll('-', ''));
      expect(span.spanId).toBe(call.eventId.replaceAll('-', '').slice(0, 16));
      expect(span.name).toBe(`text_completion ${call.model.kind === 'checkpoint' ? call.model.digest : ''}`);
      expect(span.kind).toBe(1);
      expect(span.endTimeUnixNano).toBe(`${call.time}000000`);
      expect(attributesOf(span)).toMatchObject({
        'gen_ai.operation.name': 'text_completion',
        'gen_ai.provider.name': 'tripost',
        'gen_ai.request.max_tokens': '64',
        'gen_ai.request.top_p': 0.9,
        'gen_ai.response.finish_reasons': { values: [{ stringValue: call.finish === 'eos' ? 'stop' : 'length' }] },
        'gen_ai.usage.input_tokens': String(call.usage?.promptTokens),
        'gen_ai.usage.output_tokens': String(call.usage?.completionTokens),
        'gen_ai.conversation.id': call.trajectoryId,
        'tripost.iteration': '1',
      });
      expect(attributesOf(span)).not.toHaveProperty(['gen_ai.request.top_k']);
    }
    expect(new Set(spans.map((span: { spanId: string }) => span.spanId)).size).toBe(spans.length);
    expect(lines.join('')).not.toContain('1 + 1');
  });

  it('tells an endpoint from a checkpoint, and takes the time that a call took where it is known', () => {
    const call = {
      ...the(metrics.calls[0]),
      model: { kind: 'endpoint', name: 'big-1' } as const,
      latency: 250,
      usage: null,
      servedAs: 'big-1-2026',
      trajectoryId: 'no uuid',
    };
    const [span] = JSON.parse(textOf(otel({ ...metrics, calls: [call] }), 'traces.jsonl')).resourceSpans[0]
      .scopeSpans[0].spans;
    expect([span.name, span.kind]).toEqual(['text_completion big-1', 3]);
    expect(attributesOf(span)).toMatchObject({
      'gen_ai.provider.name': 'openai',
      'gen_ai.response.model': 'big-1-2026',
    });
    expect(attributesOf(span)).not.toHaveProperty(['gen_ai.usage.input_tokens']);
    expect(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)).toBe(250_000_000n);
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('writes many calls in lines of a size that readers take', () => {
    const many = { ...metrics, calls: Array.from({ length: 1201 }, () => the(metrics.calls[0])) };
    const sizes = textOf(otel(many), 'traces.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans.length);
    expect(sizes).toEqual([500, 500, 201]);
  });
});

describe.each([...metricFormats])('%s', (_, { write }) => {
  it('has the same bytes for the same metrics', () => {
    const [a, b] = [write(metrics), write(metricsOf())];
    expect([...a.keys()]).toEqual([...b.keys()]);
    for (const [path, bytes] of a) expect(Buffer.compare(bytes, the(b.get(path)))).toBe(0);
  });
});
