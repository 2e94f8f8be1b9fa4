-- Claims plans of a digest, the longest due first, until the transaction ends. Those that another worker has locked are skipped.
-- $1 text digest · $2 int how many at most
-- isClaimed, place: digest-plan.store.ts · preferences: devices/device.fragments.ts
-- Returns userId, lastDate, timezone and locale (null where none is known), preferences (null for a user who has set none)
WITH claimed AS MATERIALIZED (
  SELECT user_id, last_date FROM digest_plan
  WHERE digest = $1 AND {{isClaimed}}
  ORDER BY next_run_at LIMIT $2
  FOR UPDATE SKIP LOCKED
)
SELECT claimed.user_id AS "userId", claimed.last_date AS "lastDate", p.timezone, p.locale, f.body AS preferences
FROM claimed
LEFT JOIN LATERAL ({{place}}) p ON true
LEFT JOIN LATERAL ({{preferences}}) f ON true
