import { Injectable } from '@nestjs/common';
import { addressFor, placeOfUser } from '../../contacts/contact.fragments.js';
import { furthestStateOf } from '../../delivery/receipts/receipt.fragments.js';
import { preferencesOf } from '../../devices/device.fragments.js';
import type { NewEventMessage } from '../../mailbox/events/event-messages.js';
import { MailboxFragments } from '../../mailbox/mailbox.fragments.js';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { newIdOf } from '../../platform/postgres/bucket.js';
import { named, statement } from '../../platform/postgres/statement.js';
import { messageIdOf } from './message.fragments.js';
import type { DurableTier } from '../../platform/tiers.js';
import {
  type ClaimedMessage,
  MESSAGE_CHANNELS,
  MESSAGE_STATES,
  type MessageChannel,
  type MessageState,
  type NewMessage,
  type SettledMessage,
} from '../message.js';

const ENQUEUE = statement('enqueue-messages.sql', import.meta.url);
const ENQUEUE_OF_EVENTS = named(
  'messages-enqueue-of-events',
  `INSERT INTO message (id, user_id, channel, later_channels, tier, category, body, event_id, event_type, event_key, expires_at, campaign_id,
     tracking, bucket)
   SELECT ${messageIdOf({ userId: 'r."userId"', eventId: 'r."eventId"' })}, r."userId", r.channel, r.later, r.tier, split_part(r.type, '.', 1), '',
     r."eventId", r.type, r.key, r."expiresAt", r."campaignId", r.tracking, bucket_of(r."userId")
   FROM json_to_recordset($1::json) AS r
     ("userId" text, "eventId" uuid, type text, key text, tier text, channel text, later text[], "expiresAt" timestamptz, "campaignId" text,
      tracking json)
   ORDER BY r."userId" COLLATE "C"
   ON CONFLICT DO NOTHING`,
);
const BEGIN = statement('begin-sending.sql', import.meta.url);
const SETTLE = statement('settle-messages.sql', import.meta.url);
const REPORT = statement('report-status.sql', import.meta.url);
const LIST_DUE = named(
  'messages-due',
  `SELECT channel FROM unnest($1::text[]) AS c (channel) WHERE EXISTS (
     SELECT FROM message m
     WHERE m.channel = c.channel AND m.tier = $2 AND m.state IN ('queued', 'sending') AND m.due_at <= now())`,
);
const COUNT_OF_USER = named(
  'messages-of-user-today',
  `SELECT count(*)::int AS count FROM (
     SELECT FROM message WHERE user_id = $1 AND created_at > now() - interval '1 day' AND channel = $2
       AND (sent_at IS NOT NULL OR (state = 'sending' AND id COLLATE "C" < $4)) LIMIT $3
   ) AS sent`,
);
const OF_CAMPAIGN = named(
  'messages-of-campaign',
  `SELECT c.channel, s.state, (
     SELECT count(*)::int FROM (SELECT FROM message m WHERE m.campaign_id = $1 AND m.channel = c.channel AND m.state = s.state LIMIT $4) counted
   ) AS count FROM unnest($2::text[]) AS c (channel) CROSS JOIN unnest($3::text[]) AS s (state)`,
);
/** To count more would cost more than the number is worth. */
const MAX_COUNT = 1_000_000;
const COUNT_OF_ROUTE = named(
  'messages-of-route-this-hour',
  `SELECT coalesce(sum(parts), 0)::int AS count FROM (
     SELECT parts FROM message WHERE route = $1 AND sent_at > now() - interval '1 hour' LIMIT $2
   ) AS sent`,
);
/** After this, messages of a worker that died are claimed again: longer than a provider takes to report what it took. */
const LEASE_MS = 120_000;

/** Where a message goes, as it is written before it goes there. */
export interface SendingPlan {
  /** By each secret of CONTACT_KEY, the present one first. */
  readonly addressHashes: readonly Uint8Array[];
  readonly provider: string;
  readonly route: string | null;
  readonly parts: number;
  readonly price: number | null;
  readonly currency: string | null;
  readonly providerMessages: number;
}

/** What a provider reports of a message, or of a part of it. */
export interface StatusReport {
  readonly messageId: string;
  readonly state: 'delivered' | 'failed';
  readonly reason?: string | undefined;
  readonly providerId: string;
  /** Who may report it. */
  readonly providers: readonly string[];
}

/** The queue of texts and mails: the table message. */
@Injectable()
export class MessageStore {
  private readonly claimStatement: Statement;

  constructor(
    private readonly database: Database,
    mailbox: MailboxFragments,
  ) {
    const event = { userId: 'c.user_id', eventId: 'c.event_id' };
    this.claimStatement = statement('claim-messages.sql', import.meta.url, {
      address: addressFor({ userId: 'c.user_id', channel: 'c.channel' }),
      newestData: mailbox.newestData({ userId: 'c.user_id', key: 'c.event_key', id: 'c.event_id' }),
      preferences: preferencesOf('c.user_id'),
      furthestState: furthestStateOf(event),
      place: placeOfUser('c.user_id'),
    });
  }

  /** Queues the message in somebody else's transaction. Returns its id. */
  async enqueue(tx: Transaction, message: NewMessage): Promise<string> {
    const { userId, channels, tier, category, subject = null, text, smsText = null } = message;
    const { html = null, expiresAt, tracking } = message;
    const id = newIdOf(userId);
    const [channel, ...later] = channels;
    const words = [subject, text, html, expiresAt, smsText];
    const counted = tracking === undefined ? null : JSON.stringify(tracking);
    await tx.run(ENQUEUE, [id, userId, channel, later, tier, category, ...words, counted]);
    return id;
  }

  /** Queues messages that tell of events, in somebody else's transaction. An event that has one gets no other one. */
  async enqueueOfEvents(tx: Transaction, messages: readonly NewEventMessage[]): Promise<void> {
    const rows = messages.map(({ channels: [channel, ...later], ...message }) => ({
      ...message,
      channel,
      later,
    }));
    await tx.run(ENQUEUE_OF_EVENTS, [JSON.stringify(rows)]);
  }

  /** Returns the channels that have messages of the tier to claim. */
  async listDue(tier: DurableTier, channels: readonly MessageChannel[]): Promise<MessageChannel[]> {
    const rows = await this.database.run<{ channel: MessageChannel }>(tier, LIST_DUE, [channels, tier]);
    return rows.map(({ channel }) => channel);
  }

  /** Claims at most `limit` messages that are due. They are due again after two minutes unless they are settled. */
  claim(channel: MessageChannel, tier: DurableTier, limit: number): Promise<ClaimedMessage[]> {
    return this.database.run(tier, this.claimStatement, [channel, tier, limit, LEASE_MS]);
  }

  /** Writes where the message goes. Returns false when it may not: its address has opted out, or it is not this worker's any more. */
  async begin({ id, claims, tier }: ClaimedMessage, plan: SendingPlan): Promise<boolean> {
    const { addressHashes, provider, route, parts, price, currency, providerMessages } = plan;
    const values = [id, claims, addressHashes, provider, route, parts, price, currency, providerMessages];
    return (await this.database.run(tier, BEGIN, values)).length === 1;
  }

  /** Writes what became of claimed messages. */
  async settle(tier: DurableTier, settled: readonly SettledMessage[]): Promise<void> {
    const rows = settled.map(([{ id, claims }, settlement]) => ({ id, claim: claims, ...settlement }));
    await this.database.run(tier, SETTLE, [JSON.stringify(rows)]);
  }

  /** Writes what a provider reports. Returns what the message is now; undefined when the report changes nothing. */
  async report(
    tx: Transaction,
    { messageId, state, reason, providerId, providers }: StatusReport,
  ): Promise<{ state: MessageState; tier: DurableTier; channel: MessageChannel } | undefined> {
    const values = [messageId, state, reason ?? null, providerId, providers];
    return (
      await tx.run<{ state: MessageState; tier: DurableTier; channel: MessageChannel }>(REPORT, values)
    )[0];
  }

  /** Returns what became of the texts and mails of a campaign. Counts stop at a million. */
  outcomesOfCampaign(
    campaignId: string,
  ): Promise<{ channel: MessageChannel; state: MessageState; count: number }[]> {
    const values = [campaignId, MESSAGE_CHANNELS, MESSAGE_STATES, MAX_COUNT];
    return this.database.run('routine', OF_CAMPAIGN, values);
  }

  /**
   * Returns how many messages the user was sent in the last day by the channel of this one, counted up to `limit`. Of those that are being sent the ones
   * with a lower id count: each of several at once sees those before it, and no more than `limit` see fewer.
   */
  async countOfUser({ id, userId, channel }: ClaimedMessage, limit: number): Promise<number> {
    const values = [userId, channel, limit, id];
    return (await this.database.run<{ count: number }>('important', COUNT_OF_USER, values))[0]?.count ?? 0;
  }

  /** Returns how many parts were sent by the route in the last hour, of at most `limit` messages. */
  async countOfRoute(prefix: string, limit: number): Promise<number> {
    const values = [prefix, limit];
    return (await this.database.run<{ count: number }>('important', COUNT_OF_ROUTE, values))[0]?.count ?? 0;
  }
}
