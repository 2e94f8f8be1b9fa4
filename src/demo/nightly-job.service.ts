import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { Problem } from '../platform/http/problem.js';
import { demoFrontPage } from './catalogue.js';
import { OwnApiClient } from './own-api.client.js';
import { describeSent } from './sent-request.js';

/** Other users in the file, so that the page's user is one line among many. */
const OTHER_USERS = 500;
const compress = promisify(gzip);

/**
 * Stands in for the recommender: sends a file with every user's front page to POST /v1/recommendations, as the real one
 * does each night.
 */
@Injectable()
export class NightlyJobService {
  constructor(private readonly api: OwnApiClient) {}

  /**
   * Returns the tally of the ingest, and the request with this user's line of the file. Throws Problem not_configured without ADMIN_KEY,
   * conflict when the file is refused.
   */
  async run(userId: string) {
    const version = Date.now();
    const userIds = [...Array.from({ length: OTHER_USERS }, (_, n) => `neighbour-${n + 1}`), userId];
    const lines = userIds.map((user, n) =>
      JSON.stringify({ userId: user, version, items: demoFrontPage(version + n) }),
    );
    const file = await compress(`${lines.join('\n')}\n`);
    const request = {
      method: 'POST',
      path: '/v1/recommendations',
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
    } as const;
    const response = await this.api.sendWithKey({ ...request, body: Uint8Array.from(file) });
    if (response.status !== 200)
      throw new Problem('conflict', `The file was refused (${response.status}): ${response.text}`);
    const tally = JSON.parse(response.text.trimEnd().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
    const sent = describeSent(request, response, lines.at(-1));
    return { version, lines: lines.length, bytes: file.length, ...tally, sent };
  }
}
