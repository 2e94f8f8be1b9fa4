/** The shapes of responses about Usher itself, as far as the console shows them. docs/openapi.json has all of them. */

/** One of `GET /v1/keys`. */
export interface ServiceKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** One of `GET /v1/audit`. */
export interface AuditEntry {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly kind: 'key' | 'person'; readonly id: string; readonly name: string };
  readonly role: string;
  readonly action: string;
  readonly target: { readonly kind: string; readonly id: string | null };
  readonly userId: string | null;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly reason: string | null;
  readonly requestId: string;
  readonly result: string;
}

/** `GET /v1/push/forecast` */
export interface Forecast {
  readonly vendors: readonly {
    readonly vendor: string;
    readonly perSecond: number;
    readonly waiting: { readonly critical: number; readonly important: number };
    readonly seconds: number;
    readonly throughAt: string;
  }[];
}

/** Seconds, by the urgency of events; null: nothing waits. */
export interface SecondsByTier {
  readonly critical: number | null;
  readonly important: number | null;
}

/** `GET /v1/operations/overview` */
export interface Overview {
  readonly at: string;
  /** Left out, as `total` is, while Redis is away. */
  readonly nodes?: readonly OverviewNode[];
  readonly total?: {
    readonly nodes: number;
    readonly sockets: number;
    readonly edges: number;
    readonly loadLevel: number;
  };
  readonly handoffs: SecondsByTier;
  readonly push: readonly OverviewPush[];
  readonly webhooks: {
    readonly processors: readonly {
      readonly processor: string;
      readonly silentSeconds: number;
      readonly usualSeconds: number;
      readonly failingSeconds: number | null;
    }[];
    readonly waiting: { readonly count: number; readonly seconds: number | null };
  };
}

export interface OverviewNode {
  readonly id: string;
  readonly version: string;
  readonly host: string;
  readonly roles: readonly string[];
  readonly since?: string;
  readonly state: string;
  readonly loadLevel: number;
  readonly sockets: number;
  readonly edges: number;
}

export interface OverviewPush {
  readonly vendor: string;
  readonly dueSeconds: SecondsByTier;
  readonly openCircuits: readonly {
    readonly upstream: string;
    readonly since: string;
    readonly nodeId: string;
  }[];
  readonly misconfigured: readonly {
    readonly reason: string;
    readonly lastAt: string;
    readonly nodeId: string;
  }[];
}

/** One of `GET /v1/search`. */
export interface SearchResult {
  readonly kind: string;
  readonly id: string;
  readonly userId?: string;
  readonly url: string;
}

/** One of `GET /v1/edges`. */
export interface ConnectedEdge {
  readonly edgeId: string;
  readonly nodeId: string;
  readonly since: string;
}

/** One of `GET /v1/recommendation-runs`: a nightly file. */
export interface Run {
  readonly id: string;
  readonly keyId: string;
  readonly onInvalid: string;
  readonly status: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly counts: {
    readonly rows: number;
    readonly accepted: number;
    readonly unchanged: number;
    readonly conflicting: number;
    readonly stale: number;
    readonly rejectedCount: number;
  } | null;
  readonly error: { readonly code: string; readonly detail: string } | null;
}

/** `GET /v1/recommendation-runs/{id}` */
export interface DescribedRun extends Run {
  readonly rejected: readonly RejectedLine[];
}

export interface RejectedLine {
  readonly line: number;
  readonly code: string;
  readonly path: string;
  readonly message: string;
}
