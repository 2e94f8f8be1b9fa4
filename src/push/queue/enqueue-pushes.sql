-- Queues a push for each device that is not connected and did not acknowledge: of the events that are named ($1), and of commits so
-- old that their receipts should be there ($3 to $5), the oldest first. An event that was superseded is not found any more: the event
-- that replaced it has a handoff of its own.
-- $1 json   [[user id, offset, [ids of devices that are connected]?], …]
-- $2 jsonb  the provider of each kind of push address: { "fcm_token": "fcm", … }
-- $3 text   tier of the commits; null claims none · $4 int  their age in milliseconds · $5 int  how many commits at most
-- $6 int    days after which a device that was not seen is pushed only critical events
-- claimHandoffs, entryAt: mailbox/mailbox.fragments.ts · pushableDevices, allowsPush: devices/device.fragments.ts
-- isAcknowledged: delivery/receipts/receipt.fragments.ts
-- enqueueFallbacks: messages/queue/message.fragments.ts: the texts and mails that follow, of the commits that are claimed
-- Returns one row: how many commits were claimed, and how many pushes are new. What the commits hold never leaves the database.
-- Atomic: a handoff is removed if and only if its pushes, and the messages that follow them, are queued. Repeating $1 has no second effect.
WITH claimed AS (
  {{claimHandoffs}}
), wanted AS (
  SELECT event FROM json_array_elements($1::json) AS n (event)
  UNION ALL
  SELECT event FROM claimed, json_array_elements(claimed.positions) AS c (event)
), queued AS (
  INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, expires_at, campaign_id, bucket)
  SELECT e.user_id, d.device_id, e.id, e.key, e.type, e.tier, e.epoch, e."offset", $2::jsonb ->> d.kind,
    least(e.expires_at, now() + interval '24 hours'), e.campaign_id, bucket_of(e.user_id)
  FROM wanted w
  CROSS JOIN LATERAL ({{entryAt}}) e
  JOIN LATERAL ({{pushableDevices}}) d ON e.target IS NULL OR e.target = d.device_id
  WHERE $2::jsonb ? d.kind -- an address that a newer version registered must not fail its whole commit
    AND NOT {{isAcknowledged}}
    AND NOT coalesce((w.event -> 2)::jsonb ? d.device_id, false)
    AND (e.tier = 'critical' OR (d.last_seen_at > now() - $6 * interval '1 day' AND {{allowsPush}}))
  ORDER BY e.user_id, d.device_id, e.id
  ON CONFLICT DO NOTHING
  RETURNING 1
), followed AS (
  {{enqueueFallbacks}}
)
SELECT (SELECT count(*)::int FROM claimed) AS commits, (SELECT count(*)::int FROM queued) AS pushes
