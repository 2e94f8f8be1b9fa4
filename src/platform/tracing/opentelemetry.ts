import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Span, SpanContext, SpanStatusCode } from '@opentelemetry/api';
import { version } from '../build.js';
import type { Config } from '../config/config.js';
import { parseTraceparent } from '../http/request-id.js';
import type { SpanOptions, TraceBackend, TraceScope, TraceSpan } from './trace-backend.js';

/** Where OpenTelemetry's collector listens on a machine. */
const DEFAULT_ENDPOINT = 'http://localhost:4318';
const EXPORT_TIMEOUT_MS = 10_000;
const SAMPLED = 1;

/** By `import()` alone: what is imported at the top, the bundle loads at each start, traces or not. */
async function loadPackages() {
  const [api, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
  ]);
  return { api, OTLPTraceExporter, resourceFromAttributes, sdk };
}

/**
 * Starts OpenTelemetry's SDK. The packages are loaded only where traces are on (tracing.service.ts). The current context is
 * in an AsyncLocalStorage, which slows down everything in the process somewhat: the price of traces that are on. `onError` is told what the
 * SDK could not send.
 */
export async function startOpenTelemetry(
  config: Config,
  onError: (message: string) => void,
): Promise<TraceBackend> {
  const { api, OTLPTraceExporter, resourceFromAttributes, sdk } = await loadPackages();
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = api;
  const report = (message: string) => onError(message);
  const silent = () => undefined;
  api.diag.setLogger(
    { error: report, warn: silent, info: silent, debug: silent, verbose: silent },
    api.DiagLogLevel.ERROR,
  );
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': config.OTEL_SERVICE_NAME,
      'service.version': version,
      'service.instance.id': randomUUID(),
    }),
    sampler: new sdk.ParentBasedSampler({
      root: new sdk.TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG),
    }),
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter(exporterOptions(config)))],
  });
  const tracer = provider.getTracer('usher', version);
  const scopes = new AsyncLocalStorage<TraceScope>();
  return {
    start({ name, kind, parent, links = [], attributes = {}, startedAt }: SpanOptions) {
      const from = parent === undefined ? undefined : toSpanContext(parent);
      const span = tracer.startSpan(
        name,
        {
          kind: SpanKind[KINDS[kind]],
          attributes: attributes,
          links: links.flatMap((link) => toSpanContext(link) ?? []).map((context) => ({ context })),
          ...(startedAt !== undefined && { startTime: startedAt }),
        },
        from ? trace.setSpanContext(ROOT_CONTEXT, from) : ROOT_CONTEXT,
      );
      return span.isRecording() ? toTraceSpan(span, SpanStatusCode.ERROR) : undefined;
    },
    run: (scope, work) => scopes.run(scope, work),
    current: () => scopes.getStore(),
    shutdown: () => provider.shutdown(),
  };
}

const KINDS = {
  server: 'SERVER',
  client: 'CLIENT',
  producer: 'PRODUCER',
  consumer: 'CONSUMER',
  internal: 'INTERNAL',
} as const;

function exporterOptions(config: Config) {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT ?? DEFAULT_ENDPOINT;
  const headers = config.OTEL_EXPORTER_OTLP_HEADERS.map((one) => {
    const at = one.indexOf('=');
    return [one.slice(0, at), one.slice(at + 1)] as const;
  });
  return {
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    headers: Object.fromEntries(headers),
    timeoutMillis: EXPORT_TIMEOUT_MS,
  };
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

function toTraceSpan(span: Span, failed: SpanStatusCode): TraceSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    context: `00-${traceId}-${spanId}-01`,
    setName: (name) => void span.updateName(name),
    set: (attributes) => void span.setAttributes(attributes),
    end(error) {
      // The error's name alone: a message may repeat what is personal.
      if (error !== undefined) {
        span.setStatus({ code: failed });
        span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER');
      }
      span.end();
    },
  };
}
