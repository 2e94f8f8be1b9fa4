import { Injectable } from '@nestjs/common';
import type { AudienceSelection } from '../../audiences/audience.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { CampaignDefinition } from '../campaign.js';

const CLAIM_DUE = named(
  'campaign-claim-due',
  `SELECT name, body FROM campaign WHERE state = 'scheduled' AND starts_at <= now() ORDER BY starts_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
);
const START = named(
  'campaign-start',
  `UPDATE campaign SET state = $2, started_at = now(), updated_at = now() WHERE name = $1`,
);
const REFUSE = named(
  'campaign-refuse',
  `UPDATE campaign SET state = $2, problem = $3, updated_at = now() WHERE name = $1`,
);
const ADD = named(
  'campaign-walk-add',
  `INSERT INTO campaign_walk (campaign, position, selection)
   SELECT $1, n - 1, s FROM json_array_elements($2::json) WITH ORDINALITY AS e (s, n)`,
);
const CLAIM = named(
  'campaign-walk-claim',
  `SELECT w.campaign, w.position, w.selection, w.walked_to AS "walkedTo", c.body, iso(c.starts_at) AS "startsAt"
   FROM campaign_walk w JOIN campaign c ON c.name = w.campaign
   WHERE c.state = 'running' AND c.frozen_at IS NULL AND NOT w.is_done ORDER BY c.starts_at, w.position LIMIT 1 FOR UPDATE OF w SKIP LOCKED`,
);
const ADVANCE = named(
  'campaign-walk-advance',
  'UPDATE campaign_walk SET walked_to = $3, is_done = $4 WHERE campaign = $1 AND position = $2',
);
const MARK_FROZEN = named(
  'campaign-mark-frozen',
  `UPDATE campaign c SET frozen_at = now() WHERE c.state = 'running' AND c.frozen_at IS NULL
     AND NOT EXISTS (SELECT FROM campaign_walk w WHERE w.campaign = c.name AND NOT w.is_done)`,
);

/** A campaign whose time has come. */
export interface DueCampaign {
  readonly name: string;
  readonly body: CampaignDefinition;
}

/** How far the members of one audience of a campaign have been found. */
export interface ClaimedWalk {
  readonly campaign: string;
  readonly position: number;
  readonly selection: AudienceSelection;
  /** The user up to whom. */
  readonly walkedTo: string;
  readonly body: CampaignDefinition;
  /** ISO 8601. */
  readonly startsAt: string;
}

/** Which campaigns begin, and how far their members have been found. */
@Injectable()
export class CampaignWalkStore {
  constructor(private readonly database: Database) {}

  /** Claims a campaign whose time has come, until the transaction ends. */
  async claimDue(tx: Transaction): Promise<DueCampaign | undefined> {
    return (await tx.run<DueCampaign>(CLAIM_DUE, []))[0];
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

  /** Sends a claimed campaign back to people, and says why. */
  async refuse(tx: Transaction, name: string, state: string, problem: string): Promise<void> {
    await tx.run(REFUSE, [name, state, problem]);
  }

  /** Claims an audience of a running campaign whose members have not all been found. Those that another worker has are skipped. */
  async claim(tx: Transaction): Promise<ClaimedWalk | undefined> {
    return (await tx.run<ClaimedWalk>(CLAIM, []))[0];
  }

  /** Writes how far a claimed one is. */
  async advance(
    tx: Transaction,
    { campaign, position }: ClaimedWalk,
    { walkedTo, isDone }: { readonly walkedTo: string; readonly isDone: boolean },
  ): Promise<void> {
    await tx.run(ADVANCE, [campaign, position, walkedTo, isDone]);
  }

  /** Marks the running campaigns whose members have all been found. */
  async markFrozen(): Promise<void> {
    await this.database.run('routine', MARK_FROZEN, []);
  }
}
