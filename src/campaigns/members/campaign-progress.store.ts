import { Injectable } from '@nestjs/common';
import type { AudienceSelection } from '../../audiences/audience.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { CampaignDefinition, WorkedCampaign } from '../campaign.js';

const DUE = named(
  'campaigns-due',
  `SELECT name, failures FROM campaign
   WHERE state = 'scheduled' AND starts_at <= now() AND (retry_at IS NULL OR retry_at <= now()) ORDER BY starts_at LIMIT $1`,
);
const CLAIM_DUE = named(
  'campaign-claim-due',
  `SELECT body FROM campaign WHERE name = $1 AND state = 'scheduled' AND starts_at <= now() FOR UPDATE SKIP LOCKED`,
);
/** By the clock, not by the transaction: its lists are held by now, so whoever is added later is later. */
const START = named(
  'campaign-start',
  `UPDATE campaign SET state = $2, started_at = clock_timestamp(), updated_at = now() WHERE name = $1`,
);
const ADD = named(
  'campaign-progress-add',
  `INSERT INTO campaign_walk (campaign, position, selection)
   SELECT $1, n - 1, s FROM json_array_elements($2::json) WITH ORDINALITY AS e (s, n)`,
);
const FREEZING = named(
  'campaigns-freezing',
  `SELECT name, failures FROM campaign
   WHERE state = 'running' AND frozen_at IS NULL AND (retry_at IS NULL OR retry_at <= now()) ORDER BY starts_at`,
);
const CLAIM = named(
  'campaign-progress-claim',
  `SELECT w.campaign, w.position, w.selection, w.walked_to AS "foundUpTo", c.body, iso(c.starts_at) AS "startsAt", iso(c.started_at) AS "startedAt"
   FROM campaign c JOIN campaign_walk w ON w.campaign = c.name
   WHERE c.name = $1 AND c.state = 'running' AND NOT w.is_done ORDER BY w.position LIMIT 1 FOR UPDATE OF w SKIP LOCKED`,
);
const ADVANCE = named(
  'campaign-progress-advance',
  'UPDATE campaign_walk SET walked_to = $3, is_done = $4, advanced_at = now() WHERE campaign = $1 AND position = $2',
);
const MARK_FROZEN = named(
  'campaign-mark-frozen',
  `UPDATE campaign c SET frozen_at = now() WHERE c.state = 'running' AND c.frozen_at IS NULL
     AND NOT EXISTS (SELECT FROM campaign_walk w WHERE w.campaign = c.name AND NOT w.is_done)`,
);

/** How far the members of one audience of a campaign have been found. */
export interface ClaimedProgress {
  readonly campaign: string;
  readonly position: number;
  readonly selection: AudienceSelection;
  /** The user up to whom. */
  readonly foundUpTo: string;
  readonly body: CampaignDefinition;
  /** When its time came; ISO 8601. */
  readonly startsAt: string;
  /** When it began; ISO 8601. */
  readonly startedAt: string;
}

/** Which campaigns begin, and how far their members have been found. */
@Injectable()
export class CampaignProgressStore {
  constructor(private readonly database: Database) {}

  /** Returns at most `limit` campaigns whose time has come, the first one first. */
  due(limit: number): Promise<WorkedCampaign[]> {
    return this.database.run('routine', DUE, [limit]);
  }

  /** Claims a campaign whose time has come, until the transaction ends. Returns what it says; undefined when it has begun, or another worker has it. */
  async claimDue(tx: Transaction, name: string): Promise<CampaignDefinition | undefined> {
    return (await tx.run<{ body: CampaignDefinition }>(CLAIM_DUE, [name]))[0]?.body;
  }

  /** Has a claimed campaign begin. `state`: as CAMPAIGN_MOVES says. */
  async start(
    tx: Transaction,
    name: string,
    state: string,
    selections: readonly AudienceSelection[],
  ): Promise<void> {
    await tx.run(ADD, [name, JSON.stringify(selections)]);
    await tx.run(START, [name, state]);
  }

  /** Returns the running campaigns whose members have not all been found. */
  freezing(): Promise<WorkedCampaign[]> {
    return this.database.run('routine', FREEZING, []);
  }

  /** Claims an audience of a running campaign whose members have not all been found. Those that another worker has are skipped. */
  async claim(tx: Transaction, campaign: string): Promise<ClaimedProgress | undefined> {
    return (await tx.run<ClaimedProgress>(CLAIM, [campaign]))[0];
  }

  /** Writes how far a claimed one is. */
  async advance(
    tx: Transaction,
    { campaign, position }: ClaimedProgress,
    { foundUpTo, isDone }: { readonly foundUpTo: string; readonly isDone: boolean },
  ): Promise<void> {
    await tx.run(ADVANCE, [campaign, position, foundUpTo, isDone]);
  }

  /** Marks the running campaigns whose members have all been found. */
  async markFrozen(): Promise<void> {
    await this.database.run('routine', MARK_FROZEN, []);
  }
}
