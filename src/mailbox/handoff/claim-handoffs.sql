-- Claims handoffs that a consumer did not settle in time, the critical ones first.
-- $1 text  consumer · $2 int  minimum age in milliseconds · $3 int  how many at most; rows that another worker has locked are skipped
-- entryJson: the row `e` of mailbox_entry as json (mailbox.fragments.ts)
-- Returns the events that are still the newest of their key and have not expired: userId, epoch, entry (entryJson). A superseded event
-- need not be sent: the one that superseded it has a handoff of its own.
-- The rows are deleted with the surrounding transaction, and due again when it rolls back. Until then no other worker sees them.
WITH due AS (
  SELECT id FROM handoff
  WHERE consumer = $1 AND created_at < now() - $2 * interval '1 millisecond'
  ORDER BY tier = 'critical' DESC, created_at
  LIMIT $3
  FOR UPDATE SKIP LOCKED
), claimed AS (
  DELETE FROM handoff h USING due WHERE h.id = due.id AND h.consumer = $1 RETURNING h.positions
)
SELECT e.user_id AS "userId", m.epoch, {{entryJson}} AS entry
FROM claimed c
CROSS JOIN LATERAL json_array_elements(c.positions) AS p (pair)
JOIN mailbox_entry e ON e.user_id = p.pair ->> 0 AND e."offset" = (p.pair ->> 1)::bigint
JOIN mailbox m ON m.user_id = e.user_id
WHERE e.expires_at IS NULL OR e.expires_at > now()
ORDER BY e.tier, e.user_id, e."offset"
