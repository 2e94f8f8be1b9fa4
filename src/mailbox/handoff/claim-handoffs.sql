-- Claims handoffs of one tier that a consumer did not settle in time, the oldest first.
-- $1 text  consumer · $2 text  tier · $3 int  minimum age in milliseconds · $4 int  handoffs at most, up to 1,000; those that another worker has locked
-- are skipped · $5 int  events at most, but for those of the first handoff that has any
-- entryJson: the row `e` of mailbox_entry as json (mailbox.fragments.ts)
-- Returns one row: isDrained (nothing due is left, but for what others have locked), events: [{ userId, epoch, entry (entryJson) }], those
-- that are still the newest of their key and have not expired. A superseded event need not be sent: the one that superseded it has a
-- handoff of its own. So handoffs without events cost no delivery, and a batch takes as many of them as it may.
-- Rows are found by the index, in its order: for a LIMIT that is a parameter alone the planner expects a tenth of the table, and then reads and sorts
-- all that is due. The parameter is in a SELECT: when the planner sees that it is small, it takes planning anew each time for cheaper, which it is not.
-- They are deleted with the surrounding transaction, and due again when it rolls back. Until then no other worker sees them.
WITH due AS MATERIALIZED (
  SELECT id, consumer, positions, created_at FROM (
    SELECT id, consumer, positions, created_at FROM handoff
    WHERE consumer = $1 AND tier = $2 AND created_at < now() - $3 * interval '1 millisecond'
    ORDER BY created_at LIMIT 1000
    FOR UPDATE SKIP LOCKED
  ) oldest LIMIT (SELECT $4::int)
), newest AS MATERIALIZED (
  SELECT d.id, d.created_at, e.user_id, e.key, m.epoch
  FROM due d
  CROSS JOIN LATERAL json_array_elements(d.positions) AS p (pair)
  JOIN mailbox_entry e ON e.user_id = p.pair ->> 0 AND e."offset" = (p.pair ->> 1)::bigint
  JOIN mailbox m ON m.user_id = e.user_id
  WHERE e.expires_at IS NULL OR e.expires_at > now()
), later AS MATERIALIZED (
  SELECT id FROM (
    SELECT id, sum(count(*)) OVER (ORDER BY created_at, id) - count(*) AS before, sum(count(*)) OVER (ORDER BY created_at, id) AS total
    FROM newest GROUP BY id, created_at
  ) AS counted
  WHERE before > 0 AND total > $5
), claimed AS (
  DELETE FROM handoff h USING due d
  WHERE h.id = d.id AND h.consumer = d.consumer AND d.id NOT IN (SELECT id FROM later)
)
SELECT (SELECT count(*) FROM due) < $4 AND NOT EXISTS (SELECT FROM later) AS "isDrained",
  (SELECT coalesce(json_agg(json_build_object('userId', e.user_id, 'epoch', n.epoch, 'entry', {{entryJson}})
      ORDER BY e.tier, e.user_id, e."offset"), '[]')
    FROM newest n JOIN mailbox_entry e ON e.user_id = n.user_id AND e.key = n.key
    WHERE n.id NOT IN (SELECT id FROM later)) AS events
