import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { Preferences } from './preferences.schema.js';

const GET = named('preferences', 'SELECT body FROM preference WHERE user_id = $1');
const PUT = named(
  'preferences-put',
  `INSERT INTO preference (user_id, body, bucket) VALUES ($1, $2::jsonb, bucket_of($1))
   ON CONFLICT (user_id, bucket) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`,
);

/** The preferences of users. */
@Injectable()
export class PreferenceStore {
  constructor(private readonly database: Database) {}

  /** Returns the preferences as they were set, without defaults; undefined when none were. */
  async get(userId: string): Promise<Preferences | undefined> {
    const [row] = await this.database.run<{ body: Preferences }>('important', GET, [userId]);
    return row?.body;
  }

  /** Replaces the user's preferences. */
  async put(userId: string, body: Preferences): Promise<void> {
    await this.database.run('important', PUT, [userId, JSON.stringify(body)]);
  }
}
