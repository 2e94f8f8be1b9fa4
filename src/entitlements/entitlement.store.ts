import { Injectable } from '@nestjs/common';
import { Batcher } from '../platform/scheduling/batcher.js';
import { Database } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';
import { membershipSql } from '../membership/membership.fragments.js';
import type { MembershipRow } from '../membership/membership-view.js';
import { type Entitlement, entitlementOf } from './entitlement.js';

const READ = named(
  'entitlements',
  `SELECT u.user_id AS "userId", iso(now()) AS now, (${membershipSql('u.user_id')}) AS membership
   FROM unnest($1::text[]) WITH ORDINALITY AS u (user_id, n) ORDER BY u.n`,
);

/** Reads what is true now; checks that come together are one statement. */
@Injectable()
export class EntitlementStore {
  private readonly reads = new Batcher<string, Entitlement>({
    runBatch: (userIds) => this.readAll(userIds),
    size: 200,
    concurrency: 2,
    capacity: 20_000,
  });

  constructor(private readonly database: Database) {}

  read(userId: string): Promise<Entitlement> {
    return this.reads.add(userId);
  }

  private async readAll(userIds: string[]): Promise<Entitlement[]> {
    type Row = { userId: string; now: string; membership: MembershipRow };
    const rows = await this.database.run<Row>('critical', READ, [userIds]);
    return rows.map(({ userId, now, membership }) => entitlementOf(userId, membership, now));
  }
}
