-- Writes what a provider reports of a message.
-- $1 text id · $2 text  `delivered` or `failed` · $3 text  reason · $4 text  what the provider calls the part · $5 text[] the providers that may report it
-- Returns a row with what the message is now; none for one that is unknown, that no provider was given, or that ended before. One that is
-- queued was given to its provider, whose response we lost. A text of several messages is delivered when all of them are. One that failed
-- goes to its next channel, if it has one, and begins anew there: without attempts and times.
UPDATE message m SET
  delivered_ids = CASE WHEN $2::text = 'delivered' AND NOT m.delivered_ids @> ARRAY[$4::text]
    THEN m.delivered_ids || $4::text ELSE m.delivered_ids END,
  state = CASE
    WHEN $2::text = 'delivered' AND cardinality(m.delivered_ids || $4::text) >= m.provider_messages THEN 'delivered'
    WHEN $2::text = 'delivered' THEN m.state
    WHEN m.later_channels <> '{}' THEN 'queued'
    ELSE 'failed'
  END,
  reason = CASE WHEN $2::text = 'failed' THEN $3 ELSE m.reason END,
  later_channels = CASE WHEN $2::text = 'failed' THEN m.later_channels[2:] ELSE m.later_channels END,
  (channel, provider_ids, provider, due_at, attempts, sent_at, settled_at) = (
    SELECT m.later_channels[1], '{}'::text[], NULL, now(), 0, NULL, NULL
    WHERE $2::text = 'failed' AND m.later_channels <> '{}'
    UNION ALL
    SELECT m.channel, m.provider_ids, m.provider, m.due_at, m.attempts, coalesce(m.sent_at, now()), now()
    WHERE $2::text <> 'failed' OR m.later_channels = '{}'
  )
WHERE m.id = $1 AND m.state IN ('queued', 'sending', 'sent') AND m.provider = ANY ($5) AND NOT m.delivered_ids @> ARRAY[$4::text]
RETURNING m.state, m.channel, m.tier
