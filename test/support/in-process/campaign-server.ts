import { Test, type TestingModule } from '@nestjs/testing';
import { AppModule } from '../../../src/app.module.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { CAMPAIGN_TEMPLATE } from '../cases/campaign-template.js';
import { testConfig } from '../config.js';
import { CONTACT_KEY } from '../drivers/usher.js';
import { createDatabase, type TestDatabase } from '../infrastructure/database.js';
import { DyingDatabase } from '../infrastructure/dying-database.js';

/** The services of a node whose workers do nothing of themselves. */
export interface CampaignServer {
  readonly postgres: TestDatabase;
  readonly database: DyingDatabase;
  readonly module: TestingModule;
  /** Removes all campaigns and people. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it, with the template `advent`. */
export async function startCampaignServer(): Promise<CampaignServer> {
  const postgres = await createDatabase();
  const config = testConfig({
    DATABASE_URL: postgres.url,
    REDIS_URL: process.env.REDIS_URL ?? '',
    ROLES: 'api',
    CONTACT_KEY,
    CAMPAIGN_MEMBERS_PER_SECOND: '200',
  });
  const database = new DyingDatabase(config);
  const module = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(Database)
    .useValue(database)
    .compile();
  await postgres.query(`INSERT INTO template (name, active_version) VALUES ('advent', 1)`);
  await postgres.query(
    `INSERT INTO template_version (name, version, body, html) VALUES ('advent', 1, $1, '{}')`,
    [JSON.stringify(CAMPAIGN_TEMPLATE)],
  );
  return {
    postgres,
    database,
    module,
    async clear() {
      database.dyingAt = undefined;
      await postgres.query(
        `TRUNCATE audience, audience_member, campaign, campaign_progress, campaign_member, campaign_address, campaign_tally,
           mailbox, mailbox_entry, handoff, message, device, contact, preference, membership, broadcast`,
      );
    },
    async stop() {
      await module.close();
      await database.onApplicationShutdown();
      await postgres.drop();
    },
  };
}
