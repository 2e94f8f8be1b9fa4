import { path, type UsherApi } from '../api/usher-api.js';
import type { NonDeliveryReason } from '../../../../src/timeline/non-delivery-reason.js';

/** What is known of an event on one device. */
export interface DeviceStep {
  readonly deviceId: string;
  readonly state: 'none' | 'sent' | 'received' | 'applied' | 'seen';
  readonly why?: NonDeliveryReason;
  readonly sentAt: string | null;
  readonly receivedAt: string | null;
  readonly appliedAt: string | null;
  readonly seenAt: string | null;
  readonly push: {
    readonly vendor: string;
    readonly state: string;
    readonly reason: string | null;
    readonly settledAt: string | null;
  } | null;
}

/** What is known of an event, and of its way to each device of its user. */
export interface DescribedEvent {
  readonly at: string;
  readonly id: string;
  readonly type: string;
  readonly tier: string | null;
  readonly key: string | null;
  readonly offset: number;
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
  /** The id of the newer event of its key. */
  readonly supersededBy?: string | null;
  readonly devices: readonly DeviceStep[];
}

/** An event in the timeline. */
export interface EventStep extends DescribedEvent {
  readonly step: 'event';
}

/** A step of GET /v1/users/{userId}/timeline. */
export type Step =
  | EventStep
  | {
      readonly step: 'webhook' | 'membership' | 'stream' | 'digest';
      readonly at: string;
      readonly [field: string]: unknown;
    };

const PAGE = 200;

/** Yields the steps of the user's timeline, the newest first, `pages` of 200 at most. Throws as the API's calls do. */
export async function* readTimeline(api: UsherApi, userId: string, pages: number): AsyncGenerator<Step> {
  let before: string | undefined;
  for (let page = 0; page < pages; page += 1) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(before !== undefined && { before }) });
    const answer = (await api.call('GET', `${path`/v1/users/${userId}/timeline`}?${query.toString()}`)) as {
      timeline: Step[];
      next?: string;
    };
    yield* answer.timeline;
    if (answer.next === undefined) return;
    before = answer.next;
  }
}
