import { Injectable } from '@nestjs/common';
import { Problem } from '../platform/http/problem.js';
import { OwnApiClient, type OwnApiRequest } from './own-api.client.js';
import { describeSent, type SentRequest } from './sent-request.js';

const TIMELINE_STEPS = 6;
/** What the page sends by each channel. */
const MESSAGES = {
  email: {
    category: 'billing',
    subject: 'Your receipt',
    text: 'Thank you. You paid € 13.99 for Premium.',
    html: receiptHtml(),
  },
  sms: {
    category: 'security',
    text: 'Somebody has signed in on a new TV. Was it you? Reply STOP to get no more texts.',
  },
} as const;
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

  /** Sends the user a text or mail. Throws Problem not_configured without ADMIN_KEY. */
  sendMessage(userId: string, channel: 'email' | 'sms'): Promise<SentRequest> {
    const message = { userId, channels: [channel], ...MESSAGES[channel] };
    return this.send({ method: 'POST', path: '/v1/messages', headers: JSON_BODY }, JSON.stringify(message));
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

/** Looks as mails do: tables and inline styles, which mail programs understand. */
function receiptHtml(): string {
  return [
    '<!doctype html><html lang="en"><body style="margin:0;padding:24px;background:#f2f0ea;font-family:Helvetica,Arial,sans-serif;color:#1d1b17">',
    '<table role="presentation" width="100%" style="max-width:480px;margin:0 auto;background:#ffffff;border-radius:12px" cellpadding="24"><tr><td>',
    '<p style="margin:0;color:#855300;font-weight:bold;letter-spacing:1px">WATCH</p>',
    '<h1 style="margin:16px 0 8px;font-size:22px">Your receipt</h1>',
    '<p style="margin:0 0 16px;line-height:1.5">Thank you. You paid <b>€ 13.99</b> for Premium.</p>',
    '<p style="margin:0"><a href="https://watch.example/account" style="display:inline-block;padding:10px 18px;border-radius:8px;background:#f4c069;color:#201708;text-decoration:none;font-weight:bold">Your account</a></p>',
    '</td></tr></table></body></html>',
  ].join('');
}
