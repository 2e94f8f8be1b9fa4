import { path, type UsherApi } from '../api/usher-api.js';
import type { z } from 'zod';
import type { eventResponse, timelineResponse } from '../../../../src/timeline/timeline.schema.js';

/** What is known of an event, and of its way to each device of its user: GET /v1/users/{userId}/events/{eventId}. */
export type DescribedEvent = z.output<typeof eventResponse>;

type Timeline = z.output<typeof timelineResponse>;
/** A step of GET /v1/users/{userId}/timeline. */
export type Step = Timeline['timeline'][number];
/** An event in the timeline. */
export type EventStep = Extract<Step, { step: 'event' }>;

const PAGE = 200;

/** Yields the steps of the user's timeline, the newest first, `pages` of 200 at most. Throws as the API's calls do. */
export async function* readTimeline(api: UsherApi, userId: string, pages: number): AsyncGenerator<Step> {
  let before: string | undefined;
  for (let page = 0; page < pages; page += 1) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(before !== undefined && { before }) });
    const answer = (await api.call(
      'GET',
      `${path`/v1/users/${userId}/timeline`}?${query.toString()}`,
    )) as Timeline;
    yield* answer.timeline;
    if (answer.next === undefined) return;
    before = answer.next;
  }
}
