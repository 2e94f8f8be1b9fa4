import type { DigestDefinition } from '../../../src/digests/definitions/digest-definition.js';
import { ClockService } from '../../../src/digests/clock.service.js';
import { DefinitionStore } from '../../../src/digests/definitions/definition.store.js';
import { DigestPlanStore } from '../../../src/digests/planning/digest-plan.store.js';
import { PlanningService } from '../../../src/digests/planning/planning.service.js';
import { DigestRunStore } from '../../../src/digests/runs/digest-run.store.js';
import { DigestPublisherService } from '../../../src/digests/runs/digest-publisher.service.js';
import { DigestRunsService } from '../../../src/digests/runs/digest-runs.service.js';
import { MailboxFragments } from '../../../src/mailbox/mailbox.fragments.js';
import { MailboxService } from '../../../src/mailbox/mailbox.service.js';
import { EventMessagesService } from '../../../src/messages/event-messages.service.js';
import { MessageStore } from '../../../src/messages/queue/message.store.js';
import { MailboxStore } from '../../../src/mailbox/mailbox.store.js';
import { EventBusService } from '../../../src/platform/events/event-bus.service.js';
import type { IdempotencyStore } from '../../../src/platform/http/idempotency/idempotency.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { TemplateCatalogService } from '../../../src/templates/catalog/template-catalog.service.js';
import { TemplateStore } from '../../../src/templates/catalog/template.store.js';
import { testConfig } from '../config.js';
import { eventually } from '../eventually.js';
import { createDatabase, type TestDatabase } from '../infrastructure/database.js';
import { DyingDatabase } from '../infrastructure/dying-database.js';

class OurClock extends ClockService {
  time = new Date('2026-11-20T12:00:00Z');
  override now(): Date {
    return this.time;
  }
}

const EVENING: DigestDefinition = {
  types: [],
  categories: ['promo'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 3,
  order: 'newest',
  group: 'none',
  optIn: true,
};

let users = 0;
/** Returns the id of a user that no other test has. */
export const newUser = (name = 'user'): string => `${name}-${(users += 1)}`;

interface Run {
  readonly local_date: string;
  readonly state: string;
  readonly events: number;
  readonly reason: string | null;
}

/** Digests within the process of the test, on a real PostgreSQL, with a clock of ours: a week must not take a week. */
export class DigestsInProcess {
  readonly clock = new OurClock();
  readonly dying: DyingDatabase;
  private readonly database: Database;
  private readonly definitions: DefinitionStore;
  private readonly mailbox: MailboxService;

  private constructor(readonly postgres: TestDatabase) {
    const config = testConfig({ DATABASE_URL: postgres.url });
    this.database = new Database(config);
    this.dying = new DyingDatabase(config);
    this.definitions = new DefinitionStore(this.database);
    this.mailbox = mailboxOn(this.database);
  }

  static start = async (): Promise<DigestsInProcess> => new DigestsInProcess(await createDatabase());

  async stop(): Promise<void> {
    await this.database.onApplicationShutdown();
    await this.dying.onApplicationShutdown();
    await this.postgres.drop();
  }

  /** Removes all digests, and what was planned and made of them. */
  clear = () => this.postgres.query('TRUNCATE digest_definition, digest_plan, digest_run');

  /** From now on it is this time. */
  at(time: string): void {
    this.clock.time = new Date(time);
  }

  /** A worker of its own; workers share nothing but the database. */
  worker(its: Database = this.database) {
    const config = testConfig({ DATABASE_URL: this.postgres.url, DIGEST_WINDOW_MINUTES: '30' });
    const fragments = new MailboxFragments([]);
    const own = mailboxOn(its);
    const plans = new DigestPlanStore(its);
    const planning = new PlanningService(plans, its, this.clock, config);
    const store = new DigestRunStore(its, fragments);
    const templates = new TemplateCatalogService(new TemplateStore(its), new MetricsService());
    const messages = new EventMessagesService(new MessageStore(its, fragments), new EventBusService());
    const publisher = new DigestPublisherService(own, templates, store, messages);
    const runs = new DigestRunsService(plans, store, planning, publisher, its, this.clock);
    return {
      plan: async () => {
        // It waits for transactions that may not have seen the change, also those of other tests' databases on the same server.
        await eventually('changed digests are walked', async () => {
          for (const { name } of await planning.listChanged()) while (await planning.walk(name, 500));
          const changed = 'SELECT FROM digest_definition WHERE walked_to IS NOT NULL OR is_removed';
          return (await this.postgres.query(changed)).length === 0;
        });
        for (const digest of await planning.listUnplanned()) while (await planning.plan(digest, 500));
      },
      run: async (limit = 100) => {
        for (const digest of await plans.listDue(this.clock.now()))
          while ((await runs.runDue(digest, limit)).claimed > 0);
      },
    };
  }

  /** Defines the digest of the evening, with these changes. */
  define = (changes: Partial<DigestDefinition> = {}) =>
    this.database.transaction('important', (tx) =>
      this.definitions.save(tx, 'evening', { ...EVENING, ...changes }),
    );
  remove = () => this.database.transaction('important', (tx) => this.definitions.remove(tx, 'evening'));

  /** The user wants events of the digest's category like this. */
  choose = (userId: string, delivery = 'digest') =>
    this.postgres.query(
      `INSERT INTO preference (user_id, body, bucket) VALUES ($1, $2, bucket_of($1))
       ON CONFLICT (user_id, bucket) DO UPDATE SET body = excluded.body`,
      [userId, JSON.stringify({ categories: { promo: { delivery } } })],
    );
  /** The user's phone is in this time zone. */
  moveTo = (userId: string, timezone: string) =>
    this.postgres.query(
      `INSERT INTO device (user_id, device_id, platform, timezone, bucket) VALUES ($1, 'phone', 'ios', $2, bucket_of($1))
       ON CONFLICT (user_id, device_id, bucket) DO UPDATE SET timezone = excluded.timezone`,
      [userId, timezone],
    );
  /** Publishes an event with each title, which is its key too. */
  publish = (userId: string, titles: readonly string[], type = 'promo.started') =>
    this.mailbox.publish(
      titles.map((title) => ({ userId, type, tier: 'important' as const, key: title, data: { title } })),
    );
  runsOf = (userId: string) =>
    this.postgres.query<Run>(
      'SELECT local_date, state, events, reason FROM digest_run WHERE user_id = $1 ORDER BY local_date',
      [userId],
    );
  datesOf = async (userId: string) => (await this.runsOf(userId)).map(({ local_date }) => local_date);
  /** Returns the digest that is in the user's mailbox. */
  digestIn = async (userId: string) =>
    (
      await this.postgres.query<{ data: Record<string, unknown>; offset: number }>(
        `SELECT data, "offset"::int FROM mailbox_entry WHERE user_id = $1 AND type = 'digest.ready'`,
        [userId],
      )
    )[0];
}

const mailboxOn = (database: Database): MailboxService =>
  new MailboxService(
    new MailboxStore(database, new MailboxFragments([])),
    new EventBusService(),
    database,
    {} as IdempotencyStore,
  );
