import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../platform/postgres/database.js';
import { named, plannedEachTime } from '../../platform/postgres/statement.js';
import type { MemberLine } from './members.schema.js';

/** One statement for hundreds of rows: those that are there as they are stay untouched. */
const ADD = plannedEachTime(
  named(
    'audience-members-add',
    `INSERT INTO audience_member AS m (audience, user_id, data, bucket)
     SELECT $1, r."userId", r.data, bucket_of(r."userId")
     FROM json_to_recordset($2::json) AS r ("userId" text, data json) ORDER BY r."userId" COLLATE "C"
     ON CONFLICT (audience, user_id, bucket) DO UPDATE SET data = excluded.data
     WHERE m.data::text IS DISTINCT FROM excluded.data::text
     RETURNING old.user_id IS NULL AS "isNew"`,
  ),
);
const COUNT = named(
  'audience-members-count',
  'UPDATE audience SET members = members + $2, updated_at = now() WHERE name = $1',
);

/** Members of lists. */
@Injectable()
export class AudienceMemberStore {
  /** Adds members, each once, and counts them; whoever calls has locked the audience. Returns how many are new or have other data than before. */
  async add(tx: Transaction, audience: string, members: readonly MemberLine[]): Promise<number> {
    const rows = await tx.run<{ isNew: boolean }>(ADD, [audience, JSON.stringify(members)]);
    const added = rows.filter(({ isNew }) => isNew).length;
    if (added > 0) await tx.run(COUNT, [audience, added]);
    return rows.length;
  }
}
