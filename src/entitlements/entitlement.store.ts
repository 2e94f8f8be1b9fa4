import { Injectable } from '@nestjs/common';
import { Batcher } from '../platform/scheduling/batcher.js';
import { Database } from '../platform/postgres/database.js';
import { isOutage } from '../platform/postgres/outage.js';
import { named } from '../platform/postgres/statement.js';
import { membershipSql } from '../membership/membership.fragments.js';
import type { MembershipRow } from '../membership/membership-view.js';
import { type Entitlement, toEntitlement } from './entitlement.js';

const LIST = named(
  'entitlements',
  `SELECT u.user_id AS "userId", iso(now()) AS now, (${membershipSql('u.user_id')}) AS membership
   FROM unnest($1::text[]) WITH ORDINALITY AS u (user_id, n) ORDER BY u.n`,
);

/** Reads users' entitlements from their memberships. Reads that arrive together become one statement. */
@Injectable()
export class EntitlementStore {
  private readonly reads = new Batcher<string, Entitlement>({
    runBatch: (userIds) => this.list(userIds),
    size: 200,
    concurrency: 2,
    capacity: 20_000,
    isolate: (error) => !isOutage(error),
  });

  constructor(private readonly database: Database) {}

  /** The user's entitlement now. Throws QueueFull when too many reads are waiting. */
  get(userId: string): Promise<Entitlement> {
    return this.reads.add(userId);
  }

  private async list(userIds: string[]): Promise<Entitlement[]> {
    type Row = { userId: string; now: string; membership: MembershipRow };
    const rows = await this.database.run<Row>('critical', LIST, [userIds]);
    return rows.map(({ userId, now, membership }) => toEntitlement(userId, membership, now));
  }
}
