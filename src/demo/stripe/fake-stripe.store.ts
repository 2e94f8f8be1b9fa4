import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { DEMO_ID_PREFIX, type SubscriptionObject } from './subscription-object.js';

const LATEST = named(
  'pretend-stripe-latest',
  `SELECT object FROM subscription
   WHERE processor = 'stripe' AND user_id = $1 AND starts_with(subscription_id, $2)
   ORDER BY ended, as_of DESC LIMIT 1`,
);

/** What the pretended Stripe remembers: the object that it sent last, which Usher keeps. So a restart loses nothing. */
@Injectable()
export class FakeStripeStore {
  constructor(private readonly database: Database) {}

  async latest(userId: string): Promise<SubscriptionObject | undefined> {
    const rows = await this.database.run<{ object: SubscriptionObject }>('important', LATEST, [
      userId,
      `sub_${DEMO_ID_PREFIX}`,
    ]);
    return rows[0]?.object;
  }
}
