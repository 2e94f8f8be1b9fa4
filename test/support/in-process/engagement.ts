import type { EngagementEvent } from '../../../src/engagement/engagement-event.js';
import { EngagementEventStore } from '../../../src/engagement/recording/engagement-event.store.js';
import type { Config } from '../../../src/platform/config/config.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { ago } from '../ago.js';
import { testConfig } from '../config.js';
import { createDatabase, type TestDatabase } from '../infrastructure/database.js';
import { DyingDatabase } from '../infrastructure/dying-database.js';

let ids = 0;
/** Something that ada did now, with these changes; each has an id of its own. */
export const event = (changes: Partial<EngagementEvent> = {}): EngagementEvent => ({
  id: `event ${(ids += 1)}`,
  userId: 'ada',
  kind: 'opened',
  at: ago(0),
  team: 'film',
  campaign: 'autumn',
  channel: 'push',
  platform: 'ios',
  country: 'DE',
  ...changes,
});

/**
 * What people did, within the process of the test and on a real PostgreSQL: what is lost or doubled shows only when workers die, and come
 * together.
 */
export class EngagementInProcess {
  readonly database: Database;
  readonly dying: DyingDatabase;
  readonly events: EngagementEventStore;

  private constructor(readonly postgres: TestDatabase) {
    this.database = new Database(this.configOf());
    this.dying = new DyingDatabase(this.configOf());
    this.events = new EngagementEventStore(this.database);
  }

  static start = async (): Promise<EngagementInProcess> => new EngagementInProcess(await createDatabase());

  async stop(): Promise<void> {
    await this.database.onApplicationShutdown();
    await this.dying.onApplicationShutdown();
    await this.postgres.drop();
  }

  /** Removes what people did, and what was counted of it. */
  async clear(): Promise<void> {
    await this.postgres.query(
      'TRUNCATE campaign, campaign_member, engagement_event, engagement_rollup, engagement_value, message, push, receipt',
    );
    await this.postgres.query(`DELETE FROM engagement_watermark WHERE name <> 'rollups'`);
  }

  configOf = (settings: Record<string, string> = {}): Config =>
    testConfig({ DATABASE_URL: this.postgres.url, ...settings });

  /** Records events in one call. Returns how many of them are new. */
  record = async (...all: EngagementEvent[]) => (await this.events.record([all]))[0];
}
