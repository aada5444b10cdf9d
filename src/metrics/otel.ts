import { canonicalJson, sha256, type Json } from '../../events/digest';
import type { MetricFiles, Metrics, ModelCall } from './metricRun';

/** The version of the conventions that the attributes are named by. */
const schemaUrl = 'https://opentelemetry.io/schemas/1.37.0';

const text = (key: string, value: string): Json => ({ key, value: { stringValue: value } });
/** 64-bit numbers are decimal text in OTLP's JSON. */
const whole = (key: string, value: number): Json => ({ key, value: { intValue: String(value) } });
const real = (key: string, value: number): Json => ({ key, value: { doubleValue: value } });

/** An id of so many hex digits: a UUID's own, or a digest's. */
const hex = (id: string, digits: number): string => {
  const own = id.replaceAll('-', '').toLowerCase();
  return (/^[0-9a-f]{32}$/.test(own) ? own : sha256(id)).slice(0, digits);
};

const nanoseconds = (milliseconds: number): string => String(BigInt(Math.round(milliseconds)) * 1_000_000n);

/** opentelemetry.proto.trace.v1.Span.SpanKind. */
const kinds = { internal: 1, client: 3 } as const;

const finishReasons = { eos: 'stop', stop: 'stop', length: 'length' } as const;

const spanOf = (call: ModelCall): Json => {
  const { model, sampling } = call;
  const local = model.kind === 'checkpoint';
  const name = local ? model.digest : model.name;
  const operation = 'text_completion';
  return {
    traceId: hex(call.trajectoryId, 32),
    spanId: hex(call.eventId, 16),
    name: `${operation} ${name}`,
    kind: local ? kinds.internal : kinds.client,
    startTimeUnixNano: nanoseconds(call.time - call.latency),
    endTimeUnixNano: nanoseconds(call.time),
    attributes: [
      text('gen_ai.operation.name', operation),
      // Endpoints are asked in OpenAI's protocol, whoever serves them; a checkpoint of ours runs in our own process.
      text('gen_ai.provider.name', local ? 'tripost' : 'openai'),
      text('gen_ai.request.model', name),
      text('gen_ai.output.type', 'text'),
      text('gen_ai.conversation.id', call.trajectoryId),
      real('gen_ai.request.temperature', sampling.temperature),
      whole('gen_ai.request.max_tokens', sampling.maxTokens),
      ...(sampling.topK === null ? [] : [real('gen_ai.request.top_k', sampling.topK)]),
      ...(sampling.topP === null ? [] : [real('gen_ai.request.top_p', sampling.topP)]),
      {
        key: 'gen_ai.response.finish_reasons',
        value: { arrayValue: { values: [{ stringValue: finishReasons[call.finish] }] } },
      },
      text('gen_ai.response.id', call.eventId),
      ...(call.servedAs === null ? [] : [text('gen_ai.response.model', call.servedAs)]),
      ...(call.usage === null
        ? []
        : [
            whole('gen_ai.usage.input_tokens', call.usage.promptTokens),
            whole('gen_ai.usage.output_tokens', call.usage.completionTokens),
          ]),
      text('tripost.author', call.author),
      text('tripost.collection', call.collectionId),
      text('tripost.problem', call.problemId),
      whole('tripost.iteration', call.iteration),
      whole('tripost.pass', call.pass),
      whole('tripost.call', call.call),
    ],
    status: {},
  };
};

const spansALine = 500;

/**
 * Every model call as a span of OpenTelemetry's GenAI conventions, in OTLP's JSON, an ExportTraceServiceRequest a line: what the
 * Collector's otlpjsonfile receiver reads. The calls of one trajectory are one trace. A span ends when the ledger recorded the
 * call and began as long before as the ledger says the call took; where it does not say, it has no length. The operation is `text_completion` for every call: the ledger has one text that was asked
 * and one that came, whatever road a server was asked by. No texts are in it.
 */
export const otel = ({ id, calls }: Metrics): MetricFiles => {
  const lines = Array.from({ length: Math.ceil(calls.length / spansALine) }, (_, i) =>
    canonicalJson({
      resourceSpans: [
        {
          resource: { attributes: [text('service.name', 'tripost'), text('tripost.metrics_of', id)] },
          scopeSpans: [
            {
              scope: { name: 'tripost' },
              spans: calls.slice(i * spansALine, (i + 1) * spansALine).map(spanOf),
              schemaUrl,
            },
          ],
          schemaUrl,
        },
      ],
    }),
  );
  return new Map([['traces.jsonl', new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))]]);
};
