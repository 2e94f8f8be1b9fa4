import { Injectable, Logger } from '@nestjs/common';
import { byWorker } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { Problem } from '../../platform/http/problem.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { isOutage, isStatementTimeout } from '../../platform/postgres/outage.js';
import type { WorkedCampaign } from '../campaign.js';
import { CAMPAIGN_MOVES, stateAfter } from '../campaign-moves.js';
import { CampaignFailureStore } from './campaign-failure.store.js';
import { MAX_FAILURES, retryDelay } from './retry-delay.js';

/** Keeps the failures of one campaign from the others: it is tried again later, alone, and in the end waits for people. */
@Injectable()
export class CampaignFailuresService {
  private readonly log = new Logger('campaigns');

  constructor(
    private readonly store: CampaignFailureStore,
    private readonly audit: AuditService,
    private readonly database: Database,
  ) {}

  /**
   * Does a piece of work of the campaign. Returns undefined when it failed, which is then written to the campaign. Rethrows an outage of PostgreSQL, which
   * is no fault of the campaign; a statement that took too long may be one.
   */
  async attempt<T>({ name, failures }: WorkedCampaign, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      if (failures > 0) await this.store.recover(name);
      return result;
    } catch (error) {
      if (isOutage(error) && !isStatementTimeout(error)) throw error;
      this.log.error(error, `the campaign ${name} cannot go on`);
      await this.record(name, error);
      return undefined;
    }
  }

  /** Has a campaign wait for people, and says why, in somebody's transaction: it is paused, or approved again if it has not begun. */
  async stop(tx: Transaction, name: string, problem: string): Promise<void> {
    const before = await this.store.lock(tx, name);
    const act = before?.state === 'scheduled' ? 'refuse' : 'halt';
    const state = before && stateAfter(act, before.state);
    if (!state) return;
    await this.store.stop(tx, name, state, problem);
    await this.audit.record(tx, byWorker('campaigns', 'operate'), {
      action: `campaign.${act}`,
      target: { kind: 'campaign', id: name },
      before: { state: before.state },
      after: { state, problem },
      result: 'done',
    });
  }

  private record(name: string, error: unknown): Promise<void> {
    return this.database.transaction('routine', async (tx) => {
      const found = await this.store.lock(tx, name);
      if (!found || !(found.state in CAMPAIGN_MOVES.halt || found.state in CAMPAIGN_MOVES.refuse)) return;
      const failures = found.failures + 1;
      const seconds = retryDelay(failures);
      if (seconds === undefined) await this.stop(tx, name, problemOf(error));
      else await this.store.retry(tx, name, failures, seconds);
    });
  }
}

/** Only what was written for callers is shown to people: other errors may name anything. */
const problemOf = (error: unknown): string =>
  error instanceof Problem
    ? error.detail
    : `It failed ${MAX_FAILURES} times in a row; the log of the workers says why.`;
