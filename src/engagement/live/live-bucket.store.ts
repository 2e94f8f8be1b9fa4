import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { LiveCount, LiveScope } from './live-buckets.js';

/** Counts of one scope and query: an hour of minutes with sixteen kinds each. */
const MAX_COUNTS = 1_000;
const READ = named(
  'live-buckets',
  `SELECT s.n::int - 1 AS scope, iso(c.at) AS at, c.kind, c.people, c.machines, c.version
   FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (team, campaign, n)
   CROSS JOIN LATERAL (
     SELECT r.at, r.kind, r.people, r.machines, r.version FROM engagement_rollup r
     WHERE r.grain = 'minute' AND r.team = s.team AND r.campaign = s.campaign AND r.dimension = 'all'
       AND r.at >= $3::timestamptz AND r.version > $4
     ORDER BY r.at DESC LIMIT $5
   ) c`,
);

/** The newest minutes of the roll-ups. */
@Injectable()
export class LiveBucketStore {
  constructor(private readonly database: Database) {}

  /** Returns, for each scope, the counts of minutes from `from` (ISO 8601) on that have changed since the version. */
  async read(scopes: readonly LiveScope[], from: string, version: number): Promise<LiveCount[][]> {
    const found: LiveCount[][] = scopes.map(() => []);
    const [teams, campaigns] = [scopes.map(({ team }) => team), scopes.map(({ campaign }) => campaign)];
    const rows = await this.database.run<LiveCount & { scope: number }>('routine', READ, [
      teams,
      campaigns,
      from,
      version,
      MAX_COUNTS,
    ]);
    for (const { scope, ...count } of rows) found[scope]?.push(count);
    return found;
  }
}
