-- Takes handoffs whose node did not settle them in time, the critical ones first; those that another sweep holds are left.
-- $1 int  age in milliseconds · $2 int  how many at most
-- Out: the events that are still the newest of their key: userId, epoch, entry (entry_json). One that was superseded
-- needs no telling: what superseded it has a handoff of its own.
-- The rows are gone when the surrounding transaction commits; until then no other sweep sees them.
WITH due AS (
  SELECT id FROM handoff
  WHERE created_at < now() - $1 * interval '1 millisecond'
  ORDER BY tier = 'critical' DESC, created_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM handoff h USING due WHERE h.id = due.id RETURNING h.positions
)
SELECT e.user_id AS "userId", m.epoch, entry_json(e) AS entry
FROM taken t
CROSS JOIN LATERAL json_array_elements(t.positions) AS p (pair)
JOIN mailbox_entry e ON e.user_id = p.pair ->> 0 AND e."offset" = (p.pair ->> 1)::bigint
JOIN mailbox m ON m.user_id = e.user_id
WHERE e.expires_at IS NULL OR e.expires_at > now()
ORDER BY e.tier, e.user_id, e."offset"
