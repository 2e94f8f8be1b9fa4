import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as OTLP has it in JSON, with the service instance that sent it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly instance: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links?: readonly { readonly traceId: string }[];
}

/** A fake OpenTelemetry collector: takes traces by OTLP over HTTP as JSON. */
export interface FakeTraceCollector {
  /** The settings that make a node send its traces here, for `startUsher`. */
  readonly environment: Record<string, string>;
  readonly spans: readonly CollectedSpan[];
  /** The headers of the last call. */
  readonly headers: () => Readonly<Record<string, string | string[] | undefined>>;
  close(): Promise<void>;
}

interface KeyValue {
  readonly key: string;
  readonly value: Record<string, unknown>;
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<CollectedSpan, 'attributes' | 'instance'> & {
        readonly attributes: readonly KeyValue[];
      })[];
    }[];
  }[];
}
const toRecord = (attributes: readonly KeyValue[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

export async function startFakeTraceCollector(): Promise<FakeTraceCollector> {
  const spans: CollectedSpan[] = [];
  let headers = {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      ({ headers } = request);
      const isTraces = request.method === 'POST' && request.url === '/v1/traces';
      if (isTraces) spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString()) as ExportRequest));
      response.writeHead(isTraces ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=wr1tten',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
    spans,
    headers: () => headers,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  };
}

const spansOf = ({ resourceSpans }: ExportRequest): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...span,
        instance: String(toRecord(resource.attributes)['service.instance.id']),
        attributes: toRecord(span.attributes),
      })),
    ),
  );
