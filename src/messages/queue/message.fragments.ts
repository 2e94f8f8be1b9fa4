import { existsForEach } from '../../platform/postgres/user-source.js';

/** SQL over the tables message and fallback that other folders' statements include. Parameters are SQL expressions. */

/** The id of the message that tells of an event: its bucket and the event's id, as newIdOf writes ids (platform/postgres/bucket.ts). One event has one. */
export const messageIdOf = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `translate(encode(int2send(bucket_of(${userId})) || uuid_send(${eventId}), 'base64'), '+/', '-_')`;

/** How long a message of an event is of use after it is due. */
const OF_USE = `interval '24 hours'`;

/** For what the message that follows the push of the event `e` is counted: one of a campaign as what the campaign itself sends. */
const trackingOfEvent = `CASE WHEN e.campaign_id IS NOT NULL THEN json_build_object('campaign', e.campaign_id, 'template', e.campaign_template) END`;

/**
 * For WITH: queues the message that follows the push of each event for which a fallback is set, unless a device has confirmed the event.
 * `events`: a FROM item with the columns of entryAt (mailbox.fragments.ts), named e. `isConfirmed`, `isWanted`: conditions over it. Where no
 * fallback is set no event is looked at.
 */
export const enqueueFallbacks = (of: { events: string; isConfirmed: string; isWanted: string }): string =>
  `INSERT INTO message (id, user_id, channel, later_channels, tier, category, body, event_id, event_type, event_key, is_fallback, due_at, expires_at, campaign_id, tracking, bucket)
  SELECT ${messageIdOf({ userId: 'e.user_id', eventId: 'e.id' })}, e.user_id, f.channels[1], f.channels[2:], e.tier, split_part(e.type, '.', 1), '',
    e.id, e.type, e.key, true, f.due_at, least(e.expires_at, f.due_at + ${OF_USE}), e.campaign_id, ${trackingOfEvent},
    bucket_of(e.user_id)
  FROM ${of.events}
  JOIN LATERAL (
    SELECT x.channels, now() + x.after_seconds * interval '1 second' AS due_at FROM fallback x WHERE x.type = e.type
  ) f ON e.target IS NULL AND (e.expires_at IS NULL OR e.expires_at > f.due_at)
  WHERE EXISTS (SELECT FROM fallback) AND (e.tier = 'critical' OR ${of.isWanted}) AND NOT ${of.isConfirmed}
  ORDER BY e.user_id, e.id
  ON CONFLICT DO NOTHING`;

/** A scalar (json): the message that tells of the event, and what became of it; null when there is none. */
export const messageOutcome = (of: { userId: string; eventId: string }): string =>
  `(SELECT json_build_object('id', m.id, 'channel', m.channel, 'laterChannels', m.later_channels, 'isFallback', m.is_fallback, 'state', m.state,
      'reason', m.reason, 'provider', m.provider, 'queuedAt', iso(m.created_at), 'dueAt', iso(m.due_at), 'sentAt', iso(m.sent_at),
      'settledAt', iso(m.settled_at))
    FROM message m WHERE m.id = ${messageIdOf(of)} AND m.bucket = bucket_of(${of.userId}))`;

/** A condition, asked for each row by itself: whether the user's message is there. */
export const isMessage = ({ id, userId }: { id: string; userId: string }): string =>
  existsForEach(`SELECT FROM message m WHERE m.id = ${id} AND m.bucket = bucket_of(${userId})`);

/** When the message `m` came to its end, so far as is known: when its provider reported it, or took it. message_tracked_ended_idx is by it. */
const endedAt = 'coalesce(m.settled_at, m.sent_at)';

/**
 * For FROM: the delivered messages whose delivery is counted, of those that ended after `after` and up to `until`: id, user_id, channel, tracking (json),
 * created_at, delivered_at. A mail is delivered once the mail server has it, which says no more; a text once its provider reports it.
 */
export const trackedDeliveries = ({ after, until }: { after: string; until: string }): string =>
  `SELECT m.id, m.user_id, m.channel, m.tracking, m.created_at, ${endedAt} AS delivered_at FROM message m
    WHERE m.tracking IS NOT NULL AND ${endedAt} > ${after} AND ${endedAt} <= ${until}
      AND (m.state = 'delivered' OR m.state = 'sent' AND m.channel = 'email')`;

/** A scalar: when the message ended that is the number `offset` of the counted ones that ended after `after`; null when there are fewer. */
export const trackedMessageEndedAt = ({ after, offset }: { after: string; offset: string }): string =>
  `(SELECT ${endedAt} FROM message m
    WHERE m.tracking IS NOT NULL AND ${endedAt} > ${after} ORDER BY ${endedAt} OFFSET ${offset} LIMIT 1)`;

/** For FROM: channel, tier and seconds: for how long the longest due text or mail is due, for each channel and tier; no row where none is. */
export const oldestMessages = `SELECT c.channel, t.tier, extract(epoch FROM now() - o.due_at)::float8 AS seconds
    FROM (VALUES ('email'), ('sms')) AS c (channel) CROSS JOIN (VALUES ('critical'), ('important')) AS t (tier)
    CROSS JOIN LATERAL (SELECT min(m.due_at) AS due_at FROM message m
      WHERE m.channel = c.channel AND m.tier = t.tier AND m.state IN ('queued', 'sending') AND m.due_at <= now()) AS o
    WHERE o.due_at IS NOT NULL`;
