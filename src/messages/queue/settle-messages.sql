-- Writes what became of claimed messages.
-- $1 json  [{ id, claim, state, reason?, dueInMs?, channel?, laterChannels?, providerIds?, attempts? }]
-- Returns nothing. The provider may have reported a message before we learn that it took it: then only its ids are written. A message that
-- another worker has claimed since stays as it is. One that is queued for another channel has none of the times of the one before.
UPDATE message m SET
  state = CASE WHEN m.state = 'sending' THEN s.state ELSE m.state END,
  reason = CASE WHEN m.state = 'sending' THEN s.reason ELSE m.reason END,
  channel = CASE WHEN m.state = 'sending' THEN coalesce(s.channel, m.channel) ELSE m.channel END,
  later_channels = CASE WHEN m.state = 'sending' AND s."laterChannels" IS NOT NULL
    THEN ARRAY(SELECT json_array_elements_text(s."laterChannels")) ELSE m.later_channels END,
  provider_ids = CASE WHEN s."providerIds" IS NOT NULL
    THEN ARRAY(SELECT json_array_elements_text(s."providerIds")) ELSE m.provider_ids END,
  provider = CASE WHEN m.state = 'sending' AND s.channel IS NOT NULL THEN NULL ELSE m.provider END,
  attempts = CASE WHEN m.state = 'sending' THEN coalesce(s.attempts, m.attempts) ELSE m.attempts END,
  due_at = now() + coalesce(s."dueInMs", 0) * interval '1 millisecond',
  sent_at = CASE
    WHEN s.state = 'sent' THEN coalesce(m.sent_at, now())
    WHEN m.state = 'sending' AND s.channel IS NOT NULL THEN NULL
    ELSE m.sent_at
  END,
  settled_at = CASE
    WHEN m.state = 'sending' AND s.state IN ('failed', 'withdrawn') THEN now()
    WHEN m.state = 'sending' AND s.channel IS NOT NULL THEN NULL
    ELSE m.settled_at
  END
FROM (
  SELECT *
  FROM json_to_recordset($1::json) AS r
    (id text, claim int, state text, reason text, "dueInMs" float8, channel text, "laterChannels" json, "providerIds" json, attempts int)
  ORDER BY r.id COLLATE "C"
) s
WHERE m.id = s.id AND m.claims = s.claim
  AND (m.state = 'sending' OR (s.state = 'sent' AND m.state IN ('sent', 'delivered', 'failed')))
