import { Injectable } from '@nestjs/common';
import { isBroadcastInForce } from '../../broadcasts/broadcasts.fragments.js';
import { isReachedBy, placeOfUser } from '../../contacts/contact.fragments.js';
import { canBePushed, hasDevices, preferencesOf, pushableDevicesOf } from '../../devices/device.fragments.js';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import type { MemberData } from '../../audiences/audience.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named, statement } from '../../platform/postgres/statement.js';
import type { CampaignChannel, CampaignDefinition, WorkedCampaign } from '../campaign.js';
import type { SkipReason } from './decide-member.js';

/** A slice that is claimed takes milliseconds; a statement that takes longer than this has a plan that must be looked at. */
const TIMEOUT = named('campaign-timeout', `SELECT set_config('statement_timeout', '5s', true)`);

/** What is known of the user `u` (an expression) now, and the joins that it needs. $3 days · $4 where the count of campaigns stops */
const factsOf = (u: string) => ({
  facts: `p.locale, f.body AS preferences, ${canBePushed(u)} AS push, ${isReachedBy({ userId: u, channel: 'email' })} AS email,
    ${isReachedBy({ userId: u, channel: 'sms' })} AS sms, ${hasDevices(u)} AS app, (
      SELECT count(*)::int FROM (
        SELECT FROM campaign_member r WHERE r.user_id = ${u} AND r.state = 'queued' AND r.settled_at > now() - $3 * interval '1 day' LIMIT $4
      ) counted
    ) AS recent`,
  joins: `LEFT JOIN LATERAL (${placeOfUser(u)}) p ON true LEFT JOIN LATERAL (${preferencesOf(u)}) f ON true`,
});
const CLAIM = statement('claim-members.sql', import.meta.url, factsOf('claimed.user_id'));
const SETTLE = statement('settle-members.sql', import.meta.url);
const now = factsOf('u.user_id');
/** $1 users · $2 how many there are */
const FACTS = named(
  'campaign-facts',
  `SELECT u.user_id AS "userId", ${now.facts}, ARRAY(SELECT d.kind FROM (${pushableDevicesOf('u.user_id')}) d) AS "addressKinds"
   FROM (SELECT unnest($1::text[]) AS user_id LIMIT $2) u ${now.joins}`,
);
const RUNNING = named(
  'campaigns-running',
  `SELECT name, body, failures, iso(expires_at) AS "expiresAt" FROM campaign c
   WHERE state = 'running' AND (retry_at IS NULL OR retry_at <= now())
     AND EXISTS (SELECT FROM campaign_member m WHERE m.campaign = c.name AND m.state = 'pending' AND m.due_at <= now())`,
);
const HAS_RUNNING = named('campaigns-running-look', `SELECT 1 FROM campaign WHERE state = 'running' LIMIT 1`);
const POSTPONE = named(
  'campaign-member-postpone',
  `UPDATE campaign_member SET due_at = now() + interval '1 hour' WHERE campaign = $1 AND user_id = $2 AND state = 'pending'`,
);
/** One to everyone runs as long as devices are sent it. */
const FINISH = named(
  'campaigns-finish',
  `UPDATE campaign c SET state = $1, ended_at = now(), updated_at = now()
   WHERE c.state = 'running' AND c.frozen_at IS NOT NULL AND (c.broadcast_id IS NULL OR NOT ${isBroadcastInForce('c.broadcast_id')})
     AND NOT EXISTS (SELECT FROM campaign_member m WHERE m.campaign = c.name AND m.state = 'pending')`,
);

/** A campaign that has members whose turn it is. */
export interface RunningCampaign extends WorkedCampaign {
  readonly body: CampaignDefinition;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** What is known of a person now, and which ways there are. */
interface PersonNow extends Readonly<Record<CampaignChannel, boolean>> {
  readonly userId: string;
  readonly locale: string | null;
  readonly preferences: Preferences | null;
  /** How many campaigns the person got in the days of the cap. */
  readonly recent: number;
}

/** A member whose turn it is. */
export interface ClaimedMember extends PersonNow {
  /** What a list says of the member. */
  readonly data: MemberData | null;
}

/** A user who may be a member. `addressKinds`: of the devices that can be pushed to. */
export interface PossibleMember extends PersonNow {
  readonly addressKinds: readonly string[];
}

/** What became of a member. */
export type SettledMember =
  | { readonly userId: string; readonly state: 'skipped'; readonly reason: SkipReason }
  | {
      readonly userId: string;
      readonly state: 'queued';
      readonly channel: CampaignChannel;
      readonly eventId: string;
    };

/** The queue of members. Rows are skipped when they are locked, so that no two transactions wait for each other. */
@Injectable()
export class CampaignSendingStore {
  constructor(private readonly database: Database) {}

  /** Whether a campaign runs. */
  async hasRunning(): Promise<boolean> {
    return (await this.database.run('routine', HAS_RUNNING, [])).length > 0;
  }

  /** Returns the campaigns that run and have members whose turn it is. */
  running(): Promise<RunningCampaign[]> {
    return this.database.run('routine', RUNNING, []);
  }

  /** Ends statements of the transaction that take more than seconds. */
  async limitTime(tx: Transaction): Promise<void> {
    await tx.run(TIMEOUT, []);
  }

  /** Claims at most `limit` members of a campaign, unless it does not run any more. */
  claim(
    tx: Transaction,
    { name, body: { cap } }: Pick<RunningCampaign, 'name' | 'body'>,
    limit: number,
  ): Promise<ClaimedMember[]> {
    return tx.run(CLAIM, [name, limit, ...countedBy(cap)]);
  }

  /** Returns what is known now of users, for a campaign with this cap. Claims nobody. */
  facts(userIds: readonly string[], cap: CampaignDefinition['cap']): Promise<PossibleMember[]> {
    return this.database.run('routine', FACTS, [userIds, userIds.length, ...countedBy(cap)]);
  }

  /** Writes what became of claimed members. */
  async settle(tx: Transaction, campaign: string, settled: readonly SettledMember[]): Promise<void> {
    await tx.run(SETTLE, [campaign, JSON.stringify(settled)]);
  }

  /** Puts a member off for an hour. */
  async postpone(tx: Transaction, campaign: string, userId: string): Promise<void> {
    await tx.run(POSTPONE, [campaign, userId]);
  }

  /** Ends the campaigns that have nobody left, and those to everyone that are not in force any more. `state`: as CAMPAIGN_MOVES says. */
  async finish(state: string): Promise<void> {
    await this.database.run('routine', FINISH, [state]);
  }
}

/** Without a cap nothing is counted. */
const countedBy = (cap: CampaignDefinition['cap']): [days: number, most: number] => [
  cap?.withinDays ?? 0,
  cap?.campaigns ?? 0,
];
