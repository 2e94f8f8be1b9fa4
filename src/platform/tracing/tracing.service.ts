import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { withTimeout } from '../scheduling/timeout.js';
import { startOpenTelemetry } from './opentelemetry.js';
import type { SpanOptions, TraceBackend, TraceScope, TraceSpan } from './trace-backend.js';

const SHUTDOWN_TIMEOUT_MS = 2_000;
/** A batch that belongs to more traces than this is linked to some of them. */
const MAX_LINKS = 16;

/**
 * Makes the spans of traces. Off, which it is without OTEL_EXPORTER_OTLP_ENDPOINT, no package of OpenTelemetry is loaded, and no method
 * does more than one comparison. Contexts are `traceparent`s of sampled traces, and travel with events as text.
 */
@Injectable()
export class TracingService implements OnApplicationShutdown {
  /** Without a backend traces are off. */
  constructor(private readonly backend?: TraceBackend) {}

  /** Loads OpenTelemetry's SDK if traces are on. */
  static async load(config: Config): Promise<TracingService> {
    const { OTEL_TRACES_EXPORTER: exporter, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
    if (exporter === 'none' || (exporter === undefined && endpoint === undefined))
      return new TracingService();
    const log = new Logger('tracing');
    return new TracingService(await startOpenTelemetry(config, (message) => log.warn(message)));
  }

  get isOn(): boolean {
    return this.backend !== undefined;
  }

  /** The context of the request or the work that this is called in; undefined when it is not traced. */
  get current(): string | undefined {
    const scope = this.backend?.current();
    return scope && !scope.isOver ? scope.context : undefined;
  }

  /** Begins a span; undefined when its trace is not sampled. */
  start(options: SpanOptions): TraceSpan | undefined {
    return this.backend?.start(options);
  }

  /**
   * Begins a span in each of these traces, for work that is done for all of them together; each is linked to the others. Returns them by the
   * contexts of their parents.
   */
  startEach(parents: Iterable<string | undefined>, options: SpanOptions): ReadonlyMap<string, TraceSpan> {
    const all = [...new Set(parents)].filter((parent) => parent !== undefined);
    const spans = new Map<string, TraceSpan>();
    for (const parent of all) {
      const links = all.filter((other) => other !== parent).slice(0, MAX_LINKS);
      const span = this.backend?.start({ ...options, parent, links });
      if (span) spans.set(parent, span);
    }
    return spans;
  }

  /** Calls `work` within a span of the current trace; where nothing is traced it only calls it. */
  async run<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
    const parent = this.current;
    const span = parent === undefined ? undefined : this.start({ ...options, parent });
    if (!span) return work();
    try {
      const result = await this.within(span.context, work);
      span.end();
      return result;
    } catch (error) {
      span.end(error ?? 'error');
      throw error;
    }
  }

  /** Calls `work` within the context; it holds until `work` has ended. */
  async within<T>(context: string, work: () => Promise<T>): Promise<T> {
    const scope: TraceScope = { context, isOver: false };
    if (!this.backend) return work();
    try {
      return await this.backend.run(scope, work);
    } finally {
      scope.isOver = true;
    }
  }

  /** Calls `work` within the context, which holds until the function that is returned is called. */
  enter(context: string, work: () => void): () => void {
    const scope: TraceScope = { context, isOver: false };
    this.backend?.run(scope, work);
    return () => void (scope.isOver = true);
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.backend) await withTimeout(SHUTDOWN_TIMEOUT_MS, this.backend.shutdown()).catch(() => undefined);
  }
}
