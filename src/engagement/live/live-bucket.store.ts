import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { LiveCount, LiveScope } from './live-buckets.js';

/** Counts of one scope and query, and queries of one read: more than an hour of minutes with all the kinds that a day may have (folding.ts). */
const PAGE = 1_000;
const MAX_PAGES = 16;
/**
 * By version, so that what is read is whole up to some version. $1, $2 text[]: teams, campaigns · $3 timestamptz: of minutes from then on · $4 bigint[], $5
 * timestamptz[], $6 text[]: where the last page of each scope ended · $7: counts of a page
 */
const READ = named(
  'live-buckets',
  `SELECT s.n::int - 1 AS scope, iso(c.at) AS at, c.kind, c.people, c.machines, c.version
   FROM unnest($1::text[], $2::text[], $4::bigint[], $5::timestamptz[], $6::text[]) WITH ORDINALITY AS s (team, campaign, version, at, kind, n)
   CROSS JOIN LATERAL (
     SELECT r.at, r.kind, r.people, r.machines, r.version FROM engagement_rollup r
     WHERE r.grain = 'minute' AND r.team = s.team AND r.campaign = s.campaign AND r.dimension = 'all'
       AND r.at >= $3::timestamptz AND (r.version, r.at, r.kind) > (s.version, s.at, s.kind)
     ORDER BY r.version, r.at, r.kind LIMIT $7
   ) c
   ORDER BY 1, c.version, c.at, c.kind`,
);
const END_OF_VERSION = { at: 'infinity', kind: '' };

/** What is read of the changes of a scope. */
export interface LiveChanges {
  readonly counts: readonly LiveCount[];
  /** Whatever changed up to this version is in `counts`. */
  readonly version: number;
}

interface Unread {
  readonly scope: LiveScope;
  readonly counts: LiveCount[];
  after: Pick<LiveCount, 'version' | 'at' | 'kind'>;
  isDone: boolean;
}

/** The newest minutes of the roll-ups. */
@Injectable()
export class LiveBucketStore {
  constructor(private readonly database: Database) {}

  /**
   * Returns, for each scope, the counts of minutes from `from` (ISO 8601) on that have changed since its version, up to the version `until`; up to an earlier
   * one when they are too many for one read.
   */
  async read(
    scopes: readonly (readonly [scope: LiveScope, since: number])[],
    from: string,
    until: number,
  ): Promise<LiveChanges[]> {
    const all = scopes.map(([scope, since]): Unread => {
      return { scope, counts: [], after: { ...END_OF_VERSION, version: since }, isDone: false };
    });
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const unread = all.filter(({ isDone }) => !isDone);
      if (unread.length === 0) break;
      await this.readPage(unread, from);
    }
    return all.map(({ counts, after, isDone }) => ({ counts, version: isDone ? until : after.version - 1 }));
  }

  private async readPage(unread: readonly Unread[], from: string): Promise<void> {
    const rows = await this.database.run<LiveCount & { scope: number }>('routine', READ, [
      unread.map(({ scope }) => scope.team),
      unread.map(({ scope }) => scope.campaign),
      from,
      unread.map(({ after }) => after.version),
      unread.map(({ after }) => after.at),
      unread.map(({ after }) => after.kind),
      PAGE,
    ]);
    const found = unread.map((): LiveCount[] => []);
    for (const { scope, ...count } of rows) found[scope]?.push(count);
    for (const [n, one] of unread.entries()) {
      const counts = found[n] ?? [];
      one.counts.push(...counts);
      one.after = counts.at(-1) ?? one.after;
      one.isDone = counts.length < PAGE;
    }
  }
}
