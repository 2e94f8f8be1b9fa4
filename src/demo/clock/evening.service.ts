import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { OwnApiClient } from '../own-api.client.js';
import { describeSent, type SentRequest } from '../sent-request.js';
import { DemoClockService } from './demo-clock.service.js';

/** The digest of the demo. Its name has a prefix, so that the demo never overwrites one that a developer made. */
const DIGEST = 'demo-evening';
const DEFINITION = {
  categories: ['promo'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 5,
  order: 'newest',
  optIn: false,
  channels: ['email', 'push'],
};
/** How long before the digest the clock is put: enough to look at it. */
const BEFORE_MS = 15_000;
/** A user who got the first event of all is planned within a second or two. */
const PLANNED_WITHIN_MS = 8_000;
const PAUSE_MS = 250;

interface DigestPreview {
  readonly status: 'planned' | 'empty' | 'not_wanted' | 'not_planned';
  readonly dueAt: string;
}

/** Makes it evening for the page's user. */
@Injectable()
export class EveningService {
  constructor(
    private readonly api: OwnApiClient,
    private readonly clock: DemoClockService,
  ) {}

  /** Defines the digest. Throws Problem conflict when it is refused. */
  async define(): Promise<void> {
    const body = JSON.stringify(DEFINITION);
    const headers = { 'content-type': 'application/json' };
    const { status, text } = await this.api.sendWithKey({
      method: 'PUT',
      path: `/v1/digests/${DIGEST}`,
      body,
      headers,
    });
    if (status !== 200) throw new Problem('conflict', `The digest could not be defined (${status}): ${text}`);
  }

  /**
   * Moves the clock to shortly before the user's next digest. Returns the request by which it learned when that is. Throws Problem
   * conflict when it would tell of nothing.
   */
  async begin(userId: string): Promise<{ sent: SentRequest; now: string; dueAt: string }> {
    const { sent, preview } = await this.readPlanned(userId);
    if (preview.status !== 'planned')
      throw new Problem(
        'conflict',
        'Nothing has happened yet that the digest could tell: publish an event first.',
      );
    const { dueAt } = preview;
    const before = new Date(Date.parse(dueAt) - BEFORE_MS);
    if (before > this.clock.now()) this.clock.moveTo(before);
    return { sent, now: this.clock.now().toISOString(), dueAt };
  }

  private async readPlanned(userId: string): Promise<{ sent: SentRequest; preview: DigestPreview }> {
    const path = `/v1/users/${encodeURIComponent(userId)}/digests/${DIGEST}/preview`;
    const request = { method: 'GET', path } as const;
    for (const deadline = Date.now() + PLANNED_WITHIN_MS; ; await sleep(PAUSE_MS)) {
      const response = await this.api.sendWithKey(request);
      if (response.status !== 200)
        throw new Problem('unavailable', `The digest could not be read (${response.status}).`);
      const preview = JSON.parse(response.text) as DigestPreview;
      if (preview.status !== 'not_planned' || Date.now() > deadline)
        return { sent: describeSent(request, response), preview };
    }
  }
}
