import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { CampaignState } from '../campaign-moves.js';

const LOCK = named('campaign-failures', 'SELECT state, failures FROM campaign WHERE name = $1 FOR UPDATE');
const RETRY = named(
  'campaign-retry',
  `UPDATE campaign SET failures = $2, retry_at = now() + $3 * interval '1 second' WHERE name = $1`,
);
const RECOVER = named(
  'campaign-recover',
  `UPDATE campaign SET failures = 0, retry_at = NULL WHERE name = $1 AND failures > 0`,
);
const STOP = named(
  'campaign-stop',
  `UPDATE campaign SET state = $2, problem = $3, failures = 0, retry_at = NULL, updated_at = now() WHERE name = $1`,
);

/** How often in a row the work of campaigns failed, and what that leads to. */
@Injectable()
export class CampaignFailureStore {
  constructor(private readonly database: Database) {}

  /** Returns how far the campaign is, and how often in a row its work has failed; nobody else changes it until the end of the transaction. */
  async lock(tx: Transaction, name: string): Promise<{ state: CampaignState; failures: number } | undefined> {
    return (await tx.run<{ state: CampaignState; failures: number }>(LOCK, [name]))[0];
  }

  /** Has a locked campaign tried again in so many seconds, after so many failures. */
  async retry(tx: Transaction, name: string, failures: number, seconds: number): Promise<void> {
    await tx.run(RETRY, [name, failures, seconds]);
  }

  /** Forgets the failures of a campaign. */
  async recover(name: string): Promise<void> {
    await this.database.run('routine', RECOVER, [name]);
  }

  /** Has a locked campaign wait for people, and says why. `state`: as CAMPAIGN_MOVES says. */
  async stop(tx: Transaction, name: string, state: CampaignState, problem: string): Promise<void> {
    await tx.run(STOP, [name, state, problem]);
  }
}
