-- Claims messages that are due, with where they go as of now.
-- $1 text channel · $2 text tier · $3 int  limit · $4 int  ms after which they are due again if nobody settles them
-- address, place: contacts/contact.fragments.ts · newestData: mailbox/mailbox.fragments.ts · preferences: devices/device.fragments.ts
-- furthestState: delivery/receipts/receipt.fragments.ts
-- Returns a row each. Messages that another worker holds are skipped. One whose worker died comes again, unless its provider has reported it
-- meanwhile (report-status.sql).
WITH due AS (
  SELECT id, bucket FROM message
  WHERE channel = $1 AND tier = $2 AND state IN ('queued', 'sending') AND due_at <= now()
  ORDER BY due_at
  LIMIT $3
  FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE message m SET state = 'sending', claims = m.claims + 1, due_at = now() + $4 * interval '1 millisecond'
  FROM due WHERE m.id = due.id AND m.bucket = due.bucket
  RETURNING m.*
)
SELECT c.id, c.user_id AS "userId", c.channel, c.later_channels AS "laterChannels", c.tier, c.category, c.subject,
  CASE WHEN c.channel = 'sms' THEN coalesce(c.sms_body, c.body) ELSE c.body END AS text, c.html, c.tracking,
  c.expires_at AS "expiresAt", c.claims, c.attempts, c.provider_ids AS "providerIds",
  c.provider IS NULL AS "isFirst", k.address, k.is_verified AS "isVerified",
  CASE WHEN c.event_id IS NOT NULL THEN json_build_object('id', c.event_id, 'type', c.event_type, 'isFallback', c.is_fallback,
    'superseded', n.is_newest IS NULL, 'data', n.data, 'preferences', f.body, 'rank', {{furthestState}}, 'timezone', p.timezone, 'locale', p.locale)
  END AS event
FROM claimed c
LEFT JOIN LATERAL ({{address}}) k ON true
LEFT JOIN LATERAL ({{newestData}}) n ON c.event_id IS NOT NULL
LEFT JOIN LATERAL ({{preferences}}) f ON c.event_id IS NOT NULL
LEFT JOIN LATERAL ({{place}}) p ON c.event_id IS NOT NULL
