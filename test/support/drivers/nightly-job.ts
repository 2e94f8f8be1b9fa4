import type { HttpReply } from './back-office.js';
import type { TestUsher } from './usher.js';

/** How many lines of a nightly file are committed together. */
export const BATCH = 500;

/** A line of a nightly file. */
export const line = (userId: string, more: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ userId, version: 1, items: ['film-1'], ...more })}\n`;

/** So many lines, of users whose ids begin with the prefix. */
export const lines = (count: number, prefix: string, more?: Record<string, unknown>): string =>
  Array.from({ length: count }, (_, n) => line(`${prefix}${n}`, more)).join('');

/** Whoever sends the nightly file, and looks what became of it. */
export class NightlyJob {
  constructor(private readonly usher: TestUsher) {}

  /** `query`: of the call's URL, with its question mark. */
  send = (body: string | Uint8Array, headers: Record<string, string> = {}, query = ''): Promise<HttpReply> =>
    this.usher.backOffice.call('POST', `/v1/recommendations${query}`, body, {
      'content-type': 'application/x-ndjson',
      ...headers,
    });

  /** The front page as its user reads it. */
  page = (userId: string, profileId = 'main'): Promise<HttpReply> =>
    this.usher.callAs(userId, 'GET', `/v1/me/recommendations/${profileId}`);

  /** The run with this id. */
  run = (id: unknown): Promise<HttpReply> =>
    this.usher.backOffice.call('GET', `/v1/recommendation-runs/${String(id)}`);

  /** How many front pages are stored of users whose ids begin with the prefix. */
  pagesOf = async (prefix: string): Promise<number> => {
    const [row] = await this.usher.database.query<{ count: string }>(
      'SELECT count(*) FROM recommendation WHERE starts_with(user_id, $1)',
      [prefix],
    );
    return Number(row?.count);
  };

  offsetOf = async (userId: string): Promise<number> => (await this.usher.state(userId)).position.offset;
}
