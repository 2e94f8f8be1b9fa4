/*
 * The shapes of responses. Each is written once, in the schema of its call (`*.schema.ts` in src), of which docs/openapi.json is made as well; only
 * their types are here.
 */
import type { z } from 'zod';
import type { engagementAnswer } from '../../../../src/engagement/analytics/analytics.schema.js';
import type {
  campaignList,
  describedCampaign,
} from '../../../../src/campaigns/definitions/campaign.schema.js';
import type {
  describedPlan,
  listedPlan,
  planBody,
  planPreview,
} from '../../../../src/membership/plans/plans.schema.js';
import type { describedWebhook, webhookList } from '../../../../src/membership/webhooks/webhooks.schema.js';
import type { edgeList, overview } from '../../../../src/operations/overview.schema.js';
import type { searchResults } from '../../../../src/operations/search.schema.js';
import type { auditEntry } from '../../../../src/platform/audit/audit.schema.js';
import type { describedServiceKey } from '../../../../src/platform/auth/service-keys/service-keys.schema.js';
import type { resultsResponse } from '../../../../src/push/results/results.schema.js';
import type { forecastResponse } from '../../../../src/push/sending/forecast.schema.js';
import type { resentResponse } from '../../../../src/support/support.schema.js';
import type { describedRun, runList } from '../../../../src/recommendations/runs/runs.schema.js';
import type {
  eventResponse,
  timelineResponse,
  userResponse,
} from '../../../../src/timeline/timeline.schema.js';

/** `GET /v1/analytics/engagement` */
export type EngagementAnswer = z.output<typeof engagementAnswer>;

/** `GET /v1/users/{userId}` */
export type User = z.output<typeof userResponse>;
export type Device = User['devices'][number];
export type Stream = User['streams'][number];
export type QuietHours = NonNullable<User['preferences']['quietHours']>;

/** `GET /v1/users/{userId}/events/{eventId}` */
export type DescribedEvent = z.output<typeof eventResponse>;
/** The same without its user, as the timeline has it. */
export type KnownEvent = Omit<DescribedEvent, 'userId'>;
/** What became of an event on one device. */
export type Delivery = DescribedEvent['devices'][number];

/** `POST /v1/users/{userId}/events/{eventId}/resend` */
export type Resent = z.output<typeof resentResponse>;

/** One of `GET /v1/users/{userId}/timeline` */
export type Step = z.output<typeof timelineResponse>['timeline'][number];
type StepOf<Kind extends Step['step']> = Extract<Step, { step: Kind }>;
export type WebhookStep = StepOf<'webhook'>;
export type MembershipStep = StepOf<'membership'>;
export type StreamStep = StepOf<'stream'>;
export type DigestStep = StepOf<'digest'>;
export type CampaignStep = StepOf<'campaign'>;

/** One of `GET /v1/webhooks` */
export type ListedWebhook = z.output<typeof webhookList>['webhooks'][number];
/** `GET /v1/webhooks/{processor}/{eventId}` */
export type DescribedWebhook = z.output<typeof describedWebhook>;

/** The body of `PUT /v1/plans/{planId}` */
export type PlanBody = z.output<typeof planBody>;
export type Capabilities = PlanBody['capabilities'];
/** One of `GET /v1/plans` */
export type ListedPlan = z.output<typeof listedPlan>;
/** `GET /v1/plans/{planId}` */
export type DescribedPlan = z.output<typeof describedPlan>;

/** `POST /v1/plans/{planId}/preview` */
export type PlanPreview = z.output<typeof planPreview>;

/** `GET /v1/operations/overview` */
export type Overview = z.output<typeof overview>;
export type OverviewNode = NonNullable<Overview['nodes']>[number];
export type OverviewPush = Overview['push'][number];
/** One of `GET /v1/edges` */
export type ConnectedEdge = z.output<typeof edgeList>['edges'][number];
/** One of `GET /v1/search` */
export type SearchResult = z.output<typeof searchResults>['results'][number];

/** `GET /v1/push/results` */
export type PushResults = z.output<typeof resultsResponse>;
/** `GET /v1/push/forecast` */
export type Forecast = z.output<typeof forecastResponse>;

/** One of `GET /v1/recommendation-runs`: a nightly file. */
export type Run = z.output<typeof runList>['runs'][number];
/** `GET /v1/recommendation-runs/{id}` */
export type DescribedRun = z.output<typeof describedRun>;
export type RejectedLine = DescribedRun['rejected'][number];

/** One of `GET /v1/campaigns` */
export type ListedCampaign = z.output<typeof campaignList>['campaigns'][number];
/** `GET /v1/campaigns/{name}` */
export type DescribedCampaign = z.output<typeof describedCampaign>;

/** One of `GET /v1/keys` */
export type ServiceKey = z.output<typeof describedServiceKey>;
/** One of `GET /v1/audit` */
export type AuditEntry = z.output<typeof auditEntry>;
