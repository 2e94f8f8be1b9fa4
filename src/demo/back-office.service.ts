import { Injectable } from '@nestjs/common';
import { Problem } from '../platform/http/problem.js';
import { OwnApiClient, type OwnApiRequest } from './own-api.client.js';
import { describeSent, type SentRequest } from './sent-request.js';

const TIMELINE_STEPS = 6;
const JSON_BODY = { 'content-type': 'application/json' };

/** Stands in for the service's own systems: publishes an event, stops streams, and asks what became of an event. */
@Injectable()
export class BackOfficeService {
  constructor(private readonly api: OwnApiClient) {}

  /** Publishes an event of the service's own. Throws Problem not_configured without ADMIN_KEY. */
  publish(userId: string): Promise<SentRequest> {
    const event = {
      userId,
      type: 'promo.started',
      tier: 'important',
      key: 'promo',
      data: { title: 'Free week', body: 'Everything is free until Sunday.' },
    };
    return this.send(
      { method: 'POST', path: '/v1/events', headers: JSON_BODY },
      JSON.stringify({ events: [event] }),
    );
  }

  /** Stops all streams of the user, as an operator would. Throws Problem not_configured without ADMIN_KEY. */
  stopStreams(userId: string): Promise<SentRequest> {
    const headers = { 'usher-reason': 'pressed on the demo page' };
    return this.send({ method: 'DELETE', path: `/v1/users/${encodeURIComponent(userId)}/streams`, headers });
  }

  /**
   * Returns what became of an event on each device of the user (GET /v1/users/{userId}/events/{eventId}). Throws Problem not_found,
   * not_configured without ADMIN_KEY.
   */
  readEvent(userId: string, eventId: string): Promise<unknown> {
    return this.read(`/v1/users/${encodeURIComponent(userId)}/events/${encodeURIComponent(eventId)}`);
  }

  /** Returns the newest steps of the user's timeline (GET /v1/users/{userId}/timeline). Throws Problem not_configured without ADMIN_KEY. */
  readTimeline(userId: string): Promise<unknown> {
    return this.read(`/v1/users/${encodeURIComponent(userId)}/timeline?limit=${TIMELINE_STEPS}`);
  }

  private async read(path: string): Promise<unknown> {
    const { status, text } = await this.api.sendWithKey({ method: 'GET', path });
    if (status === 404) throw new Problem('not_found');
    if (status !== 200) throw new Problem('unavailable', `The timeline could not be read (${status}).`);
    return JSON.parse(text) as unknown;
  }

  private async send(request: OwnApiRequest, body?: string): Promise<SentRequest> {
    const content = body === undefined ? {} : { body };
    return describeSent(request, await this.api.sendWithKey({ ...request, ...content }), body);
  }
}
