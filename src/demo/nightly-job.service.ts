import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { demoFrontPage } from './catalogue.js';
import { OwnApiClient } from './own-api.client.js';

/** Other users in the file, so that the page's user is one line among many. */
const OTHER_USERS = 500;
const compress = promisify(gzip);

/**
 * Stands in for the recommender: sends a file with every user's front page to POST /v1/recommendations, as the real one
 * does each night.
 */
@Injectable()
export class NightlyJobService {
  constructor(
    private readonly api: OwnApiClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns the tally of the ingest. Throws Problem not_configured without ADMIN_KEY, conflict when the file is refused. */
  async run(userId: string) {
    const { ADMIN_KEY } = this.config;
    if (ADMIN_KEY === undefined)
      throw new Problem('not_configured', 'Tonight’s file is sent with ADMIN_KEY, which is not set.');
    const version = Date.now();
    const userIds = [...Array.from({ length: OTHER_USERS }, (_, n) => `neighbour-${n + 1}`), userId];
    const lines = userIds.map((user, n) =>
      JSON.stringify({ userId: user, version, items: demoFrontPage(version + n) }),
    );
    const file = await compress(`${lines.join('\n')}\n`);
    const { status, text, ms } = await this.api.send('POST', '/v1/recommendations', Uint8Array.from(file), {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
    if (status !== 200) throw new Problem('conflict', `The file was refused (${status}): ${text}`);
    const tally = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
    return { version, lines: lines.length, bytes: file.length, ms, ...tally };
  }
}
