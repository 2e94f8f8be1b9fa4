-- A fragment, a scalar (bigint): the offset of the user's first event that was published at an instant or later; one above the last offset
-- when none was. No index has the times of a user's events, which each append would pay for; but they grow with the offsets, as far as the
-- clocks of nodes agree, so the interval is halved: 20 looks at each index for a million events, some 33 after a failover.
-- $1 text user id · $2 timestamptz the instant
-- lastOffset, publishedFrom (of `v`): mailbox/mailbox.fragments.ts · eventsUpTo: known-events.sql, the newest event of each kind up to `s.middle`
-- Of an event that left nothing but receipts the time of the first one is known. It was published before what came after it.
(
  WITH RECURSIVE search AS (
    SELECT 0::bigint AS low, coalesce({{lastOffset}}, 0) + 1 AS high
    UNION ALL
    SELECT CASE WHEN f.is_later THEN s.low ELSE s.middle END, CASE WHEN f.is_later THEN f."offset" ELSE s.high END
    FROM (SELECT low, high, (low + high) / 2 AS middle FROM search WHERE high - low > 1) s
    LEFT JOIN LATERAL (
      WITH {{eventsUpTo}}
      SELECT v."offset", v."offset" > s.low AND least(v.at, {{publishedFrom}}) >= $2 AS is_later
      FROM event v ORDER BY v."offset" DESC LIMIT 1
    ) f ON true
  )
  SELECT min(high) FROM search
)
