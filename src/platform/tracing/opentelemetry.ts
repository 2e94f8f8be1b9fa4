import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { version } from '../build.js';
import type { Config } from '../config/config.js';
import { parseTraceparent } from '../http/request-id.js';
import type { SpanOptions, TraceBackend, TraceScope, TraceSpan } from './trace-backend.js';

/** Where OpenTelemetry's collector listens on a machine. */
const DEFAULT_ENDPOINT = 'http://localhost:4318';
const EXPORT_TIMEOUT_MS = 10_000;
const SAMPLED = 1;

/**
 * Starts OpenTelemetry's SDK. This file and the packages are loaded only where traces are on (tracing.service.ts). The current context is
 * in an AsyncLocalStorage, which slows down everything in the process somewhat: the price of traces that are on. `onError` is told what the
 * SDK could not send.
 */
export function startOpenTelemetry(config: Config, onError: (message: string) => void): TraceBackend {
  const report = (message: string) => onError(message);
  const silent = () => undefined;
  diag.setLogger(
    { error: report, warn: silent, info: silent, debug: silent, verbose: silent },
    DiagLogLevel.ERROR,
  );
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': config.OTEL_SERVICE_NAME,
      'service.version': version,
      'service.instance.id': randomUUID(),
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG) }),
    spanProcessors: [new BatchSpanProcessor(exporterOf(config))],
  });
  const tracer = provider.getTracer('usher', version);
  const scopes = new AsyncLocalStorage<TraceScope>();
  return {
    start({ name, kind, parent, links = [], attributes = {}, startedAt }: SpanOptions) {
      const from = parent === undefined ? undefined : toSpanContext(parent);
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          attributes: attributes,
          links: links.flatMap((link) => toSpanContext(link) ?? []).map((context) => ({ context })),
          ...(startedAt !== undefined && { startTime: startedAt }),
        },
        from ? trace.setSpanContext(ROOT_CONTEXT, from) : ROOT_CONTEXT,
      );
      return span.isRecording() ? toTraceSpan(span) : undefined;
    },
    run: (scope, work) => scopes.run(scope, work),
    current: () => scopes.getStore(),
    shutdown: () => provider.shutdown(),
  };
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

function exporterOf(config: Config): OTLPTraceExporter {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT ?? DEFAULT_ENDPOINT;
  const headers = config.OTEL_EXPORTER_OTLP_HEADERS.map((one) => {
    const at = one.indexOf('=');
    return [one.slice(0, at), one.slice(at + 1)] as const;
  });
  return new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    headers: Object.fromEntries(headers),
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
}

function toSpanContext(traceparent: string): SpanContext | undefined {
  const parsed = parseTraceparent(traceparent);
  return (
    parsed && {
      traceId: parsed.traceId,
      spanId: parsed.parentId,
      traceFlags: parsed.flags & SAMPLED,
      isRemote: true,
    }
  );
}

function toTraceSpan(span: Span): TraceSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    context: `00-${traceId}-${spanId}-01`,
    setName: (name) => void span.updateName(name),
    set: (attributes) => void span.setAttributes(attributes),
    end(error) {
      // The error's name alone: a message may repeat what is personal.
      if (error !== undefined) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER');
      }
      span.end();
    },
  };
}
