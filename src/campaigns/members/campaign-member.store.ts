import { Injectable } from '@nestjs/common';
import { addressFor, placeOfUser } from '../../contacts/contact.fragments.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named, plannedEachTime, statement } from '../../platform/postgres/statement.js';
import type { MemberData } from '../../audiences/audience.js';
import type { CampaignChannel } from '../campaign.js';
import type { ADDRESS_UNREADABLE } from '../definitions/funnel.js';

/** On hundreds of rows. */
const FREEZE = plannedEachTime(statement('freeze-members.sql', import.meta.url));
const ADDRESSES = named(
  'campaign-addresses',
  `SELECT u.user_id AS "userId", CASE WHEN k.is_verified THEN k.address END AS address, p.timezone
   FROM unnest($1::text[]) AS u (user_id)
   LEFT JOIN LATERAL (${addressFor({ userId: 'u.user_id', channel: `'email'` })}) k ON true
   LEFT JOIN LATERAL (${placeOfUser('u.user_id')}) p ON true`,
);
const GET = named(
  'campaign-member',
  `SELECT user_id AS "userId", state, reason, audience, channel, event_id AS "eventId", iso(due_at) AS "dueAt", iso(settled_at) AS "settledAt",
     iso(converted_at) AS "convertedAt"
   FROM campaign_member WHERE campaign = $1 AND user_id = $2`,
);

/** What decides when, and whether, a user becomes a member. */
export interface UserFacts {
  readonly userId: string;
  /** Of the contact, encrypted; null without one that is verified. */
  readonly address: Uint8Array | null;
  readonly timezone: string | null;
}

/** A user who is to become a member. */
export interface NewMember {
  readonly userId: string;
  /** Of the normal form of the address, in hexadecimal. */
  readonly addressHash?: string | undefined;
  /** Why the user is skipped at once. */
  readonly reason?: typeof ADDRESS_UNREADABLE;
  /** ISO 8601. */
  readonly dueAt: string;
  readonly data?: MemberData | undefined;
}

/** How many became members, and how many of a slice were members before. */
export interface FrozenSlice {
  readonly members: number;
  readonly duplicates: number;
  /** Skipped, since another member has their address. */
  readonly addresses: number;
  /** Skipped, since their address cannot be decrypted. */
  readonly unreadable: number;
}

/** What became of one member. Times are ISO 8601. */
export interface MemberRecord {
  readonly userId: string;
  readonly state: 'pending' | 'queued' | 'skipped';
  readonly reason: string | null;
  readonly audience: string;
  readonly channel: CampaignChannel | null;
  readonly eventId: string | null;
  readonly dueAt: string;
  readonly settledAt: string | null;
  /** When the goal of the campaign happened. */
  readonly convertedAt: string | null;
}

/** The members of campaigns, as they are found. */
@Injectable()
export class CampaignMemberStore {
  constructor(private readonly database: Database) {}

  /** Returns the addresses and time zones of users. */
  facts(tx: Transaction, userIds: readonly string[]): Promise<UserFacts[]> {
    return tx.run(ADDRESSES, [userIds]);
  }

  /** Makes users members, each once by id and by address. */
  async freeze(
    tx: Transaction,
    campaign: string,
    audience: string,
    members: readonly NewMember[],
  ): Promise<FrozenSlice> {
    const [row] = await tx.run<FrozenSlice>(FREEZE, [campaign, audience, JSON.stringify(members)]);
    if (!row) throw new Error('the statement returns one row');
    return row;
  }

  /** Undefined for a user who is no member. */
  async get(campaign: string, userId: string): Promise<MemberRecord | undefined> {
    return (await this.database.run<MemberRecord>('important', GET, [campaign, userId]))[0];
  }
}
