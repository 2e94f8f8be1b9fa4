import { Injectable } from '@nestjs/common';
import type { AudienceSelection } from '../../audiences/audience.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { CampaignDefinition, NamedCampaign, WorkedCampaign } from '../campaign.js';

/** One to everyone is not found: it has no members. */
const TO_EVERYONE = `body ->> 'to' = 'everyone'`;
const IS_FOUND = `state = 'running' AND frozen_at IS NULL AND body ->> 'to' IS NULL`;
/** One to everyone that was resumed runs already, and is to be published. */
const IS_DUE = `(state = 'scheduled' AND starts_at <= now() OR state = 'running' AND frozen_at IS NULL AND ${TO_EVERYONE})`;
const HAS_WORK = named('campaigns-look', `SELECT 1 FROM campaign WHERE ${IS_DUE} OR ${IS_FOUND} LIMIT 1`);
const DUE = named(
  'campaigns-due',
  `SELECT name, failures FROM campaign WHERE ${IS_DUE} AND (retry_at IS NULL OR retry_at <= now()) ORDER BY starts_at LIMIT $1`,
);
const CLAIM_DUE = named(
  'campaign-claim-due',
  `SELECT name, body, state, iso(expires_at) AS "expiresAt" FROM campaign WHERE name = $1 AND ${IS_DUE} FOR UPDATE SKIP LOCKED`,
);
/** By the clock, not by the transaction: its lists are held by now, so whoever is added later is later. */
const START = named(
  'campaign-start',
  `UPDATE campaign SET state = $2, started_at = clock_timestamp(), updated_at = now() WHERE name = $1`,
);
const ADD = named(
  'campaign-progress-add',
  `INSERT INTO campaign_progress (campaign, position, selection)
   SELECT $1, n - 1, s FROM json_array_elements($2::json) WITH ORDINALITY AS e (s, n)`,
);
const FREEZING = named(
  'campaigns-freezing',
  `SELECT name, failures FROM campaign WHERE ${IS_FOUND} AND (retry_at IS NULL OR retry_at <= now()) ORDER BY starts_at`,
);
const CLAIM = named(
  'campaign-progress-claim',
  `SELECT p.campaign, p.position, p.selection, p.found_up_to AS "foundUpTo", c.body, iso(c.starts_at) AS "startsAt", iso(c.started_at) AS "startedAt"
   FROM campaign c JOIN campaign_progress p ON p.campaign = c.name
   WHERE c.name = $1 AND c.state = 'running' AND NOT p.is_done ORDER BY p.position LIMIT 1 FOR UPDATE OF p SKIP LOCKED`,
);
/** Once it is done nobody reads up to whom it went, and it names nobody. */
const ADVANCE = named(
  'campaign-progress-advance',
  `UPDATE campaign_progress SET found_up_to = CASE WHEN $4 THEN '' ELSE $3 END, is_done = $4, advanced_at = now()
   WHERE campaign = $1 AND position = $2`,
);
const MARK_FROZEN = named(
  'campaign-mark-frozen',
  `UPDATE campaign c SET frozen_at = now() WHERE ${IS_FOUND}
     AND NOT EXISTS (SELECT FROM campaign_progress p WHERE p.campaign = c.name AND NOT p.is_done)`,
);
const MARK_PUBLISHED = named(
  'campaign-mark-published',
  'UPDATE campaign SET broadcast_id = $2, frozen_at = now(), updated_at = now() WHERE name = $1',
);

/** A campaign that is to begin. */
export interface DueCampaign extends NamedCampaign {
  /** `running`: one to everyone that was resumed before it was published. */
  readonly state: 'scheduled' | 'running';
  /** ISO 8601. */
  readonly expiresAt: string;
}

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

  /** Whether a campaign is to begin, or members of one are to be found. */
  async hasWork(): Promise<boolean> {
    return (await this.database.run('routine', HAS_WORK, [])).length > 0;
  }

  /** Returns at most `limit` campaigns whose time has come, the first one first. */
  due(limit: number): Promise<WorkedCampaign[]> {
    return this.database.run('routine', DUE, [limit]);
  }

  /** Claims a campaign whose time has come, until the transaction ends. Returns undefined when it has begun, or another worker has it. */
  async claimDue(tx: Transaction, name: string): Promise<DueCampaign | undefined> {
    return (await tx.run<DueCampaign>(CLAIM_DUE, [name]))[0];
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

  /** Writes that a claimed campaign to everyone is published, and as which broadcast. */
  async markPublished(tx: Transaction, name: string, broadcastId: string): Promise<void> {
    await tx.run(MARK_PUBLISHED, [name, broadcastId]);
  }

  /** Marks the running campaigns whose members have all been found. */
  async markFrozen(): Promise<void> {
    await this.database.run('routine', MARK_FROZEN, []);
  }
}
