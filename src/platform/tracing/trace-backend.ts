/** What a span is. A context is a `traceparent` of W3C Trace Context, always of a trace that is sampled. */
export interface SpanOptions {
  /** Operation and destination, as OpenTelemetry's conventions for messaging have it: `append mailbox`. */
  readonly name: string;
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** Without one the sampler decides whether a new trace begins. */
  readonly parent?: string | undefined;
  /** Contexts of other traces that it belongs to as well. */
  readonly links?: readonly string[];
  readonly attributes?: Readonly<Record<string, string | number | undefined>>;
  /** In ms since 1970; now by default. */
  readonly startedAt?: number;
}

/** A span that has begun. */
export interface TraceSpan {
  readonly context: string;
  setName(name: string): void;
  set(attributes: Readonly<Record<string, string | number>>): void;
  /** With an error: it failed. */
  end(error?: unknown): void;
}

/** What makes spans and sends them: OpenTelemetry's SDK (opentelemetry.ts). */
export interface TraceBackend {
  /** Undefined when the trace is not sampled. */
  start(options: SpanOptions): TraceSpan | undefined;
  /** Calls `work` within the context: it is `current` in all that `work` awaits, until the scope is over. */
  run<T>(scope: TraceScope, work: () => T): T;
  current(): TraceScope | undefined;
  /** Sends what is left. */
  shutdown(): Promise<void>;
}

/** Where a context holds. Loops and connections that begin within it live on: once it is over they are in none. */
export interface TraceScope {
  readonly context: string;
  isOver: boolean;
}
