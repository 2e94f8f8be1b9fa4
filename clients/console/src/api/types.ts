/** The shapes of responses, as far as the console shows them. docs/openapi.json has all of them. */

export interface Capabilities {
  readonly streaming: boolean;
  readonly maxStreams: number;
  readonly maxQuality: string | number;
  readonly downloads: boolean;
  readonly ads: boolean;
}

export interface Membership {
  readonly version: number;
  readonly status: string;
  readonly planId: string | null;
  readonly capabilities: Capabilities;
  readonly effectiveAt?: string;
  readonly cancelAt?: string;
  readonly reason?: string;
  readonly pendingChange?: { readonly action: string; readonly planId?: string; readonly since: string };
}

export interface Device {
  readonly deviceId: string;
  readonly platform: string;
  readonly name: string | null;
  readonly appVersion: string | null;
  readonly timezone: string | null;
  readonly locale: string | null;
  readonly push: { readonly kind: string } | null;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  /** How far the newest membership got on it. */
  readonly membership: string;
  /** Null for one that is not connected; left out while that is not known. */
  readonly connection?: Connection | null;
}

/** A device's connection. */
export interface Connection {
  readonly nodeId: string;
  readonly transport: string;
  readonly since: string;
  readonly offset: number | null;
  /** How many offsets it was not sent yet; null until it has its history. */
  readonly lag: number | null;
  readonly unacknowledged: number;
  readonly unreadBytes: number;
}

export interface Stream {
  readonly streamId: string;
  readonly deviceId: string;
  readonly titleId: string;
  readonly edgeId: string;
  readonly startedAt: string;
}

export interface Subscription {
  readonly processor: string;
  readonly subscriptionId: string;
  readonly customerId: string;
  readonly status: string;
  readonly planId: string | null;
  readonly cancelAt: string | null;
  readonly asOf: string;
}

export interface QuietHours {
  readonly start: string;
  readonly end: string;
}

/** What a user wants to be pushed, and when. */
export interface Preferences {
  readonly categories: Readonly<
    Record<
      string,
      { readonly channels?: { readonly push?: boolean }; readonly quietHours?: QuietHours | null }
    >
  >;
  /** In the time zone of each device. */
  readonly quietHours: QuietHours | null;
  readonly oneDeviceIsEnough: boolean;
}

/** `GET /v1/users/{userId}` */
export interface User {
  readonly userId: string;
  /** Whether a device is connected; left out while Redis is unavailable. */
  readonly awake?: boolean;
  readonly position: { readonly epoch: string; readonly offset: number };
  readonly membership: Membership;
  readonly playback: readonly {
    readonly showId: string;
    readonly deviceId?: string;
    readonly positionSeconds?: number;
  }[];
  readonly recommendations: readonly {
    readonly profileId: string;
    readonly version?: string;
    readonly updatedAt?: string;
  }[];
  readonly preferences?: Preferences;
  readonly entries: readonly { readonly id: string }[];
  readonly subscriptions: readonly Subscription[];
  readonly links: readonly { readonly processor: string; readonly customerId: string }[];
  readonly streams: readonly Stream[];
  readonly devices: readonly Device[];
  readonly notApplied: readonly string[];
}

export interface PushOutcome {
  readonly vendor: string;
  readonly state: string;
  readonly reason: string | null;
  readonly queuedAt: string;
  readonly settledAt: string | null;
}

/** What became of an event on one device. */
export interface Delivery {
  readonly deviceId: string;
  readonly state: 'none' | 'sent' | 'received' | 'applied' | 'seen';
  readonly why?: string;
  readonly sentAt: string | null;
  readonly receivedAt: string | null;
  readonly appliedAt: string | null;
  readonly seenAt: string | null;
  readonly push: PushOutcome | null;
}

export interface EventStep {
  readonly step: 'event';
  readonly at: string;
  readonly id: string;
  readonly type: string;
  readonly tier: string | null;
  readonly key: string | null;
  readonly offset: number;
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
  /** The id of the newer event. */
  readonly supersededBy?: string | null;
  readonly devices: readonly Delivery[];
}

export interface WebhookStep {
  readonly step: 'webhook';
  readonly at: string;
  readonly processor: string;
  readonly eventId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly settledAt: string | null;
}

export interface MembershipStep {
  readonly step: 'membership';
  readonly at: string;
  readonly version: number;
  readonly status: string;
  readonly planId: string | null;
  readonly cancelAt: string | null;
  readonly reason: string;
  readonly processor: string | null;
  readonly webhookId: string | null;
}

export interface StreamStep {
  readonly step: 'stream';
  readonly at: string;
  readonly streamId: string;
  readonly deviceId: string;
  readonly titleId: string;
  readonly edgeId: string;
  readonly endedAt: string | null;
  readonly reason: string | null;
}

export interface DigestStep {
  readonly step: 'digest';
  readonly at: string;
  readonly digest: string;
  readonly localDate: string;
  readonly timezone: string;
  readonly dueAt: string;
  readonly state: string;
  readonly reason: string | null;
  readonly eventId: string | null;
  readonly events: number;
}

export type Step = EventStep | WebhookStep | MembershipStep | StreamStep | DigestStep;

/** One of `GET /v1/webhooks`. */
export interface ListedWebhook {
  readonly processor: string;
  readonly eventId: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string | null;
  readonly waitingFor: readonly string[] | null;
  readonly userId: string | null;
  readonly attempts: number;
  readonly createdAt: string;
  readonly receivedAt: string;
}

/** `GET /v1/webhooks/{processor}/{eventId}` */
export interface DescribedWebhook extends ListedWebhook {
  readonly nextAttemptAt: string | null;
  readonly settledAt: string | null;
  readonly body: unknown;
}

/** The body of `PUT /v1/plans/{planId}`. */
export interface PlanBody {
  readonly name: string;
  readonly prices: readonly string[];
  readonly capabilities: Capabilities;
}

/** One of `GET /v1/plans`. */
export interface ListedPlan extends PlanBody {
  readonly planId: string;
  readonly revision: number;
  readonly updatedAt: string;
}

/** `GET /v1/plans/{planId}`. Both counts stop at 100,000. */
export interface DescribedPlan extends ListedPlan {
  readonly members: number;
  readonly behind: number;
}
