-- Takes over handoffs of a consumer that did not settle them in time, the critical ones first; those that another worker holds are left.
-- $1 text  consumer · $2 int  age in milliseconds · $3 int  how many at most
-- Returns the events that are still the newest of their key: userId, epoch, entry (entryJson). One that was superseded need
-- not be sent: what superseded it has a handoff of its own.
-- The rows are gone when the surrounding transaction commits; until then no other worker sees them.
WITH due AS (
  SELECT id FROM handoff
  WHERE consumer = $1 AND created_at < now() - $2 * interval '1 millisecond'
  ORDER BY tier = 'critical' DESC, created_at
  LIMIT $3
  FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM handoff h USING due WHERE h.id = due.id AND h.consumer = $1 RETURNING h.positions
)
SELECT e.user_id AS "userId", m.epoch, {{entryJson}} AS entry
FROM taken t
CROSS JOIN LATERAL json_array_elements(t.positions) AS p (pair)
JOIN mailbox_entry e ON e.user_id = p.pair ->> 0 AND e."offset" = (p.pair ->> 1)::bigint
JOIN mailbox m ON m.user_id = e.user_id
WHERE e.expires_at IS NULL OR e.expires_at > now()
ORDER BY e.tier, e.user_id, e."offset"
