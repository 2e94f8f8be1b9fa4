-- What devices need to catch up, for many at once.
-- $1 json  [{ n, userId, epoch?, after? }], n = 0, 1, 2 …
-- $2 int   the most events that are replayed; a device further behind gets none (and asks for the state)
-- Out: n, epoch, head, entries (json array of entryJson in offset order, null when the position cannot be resumed).
-- One statement, so head and entries are of one moment.
SELECT r.n, h.epoch, h.head,
  CASE WHEN r.epoch = h.epoch AND r.after <= h.head AND h.head - r.after <= $2 THEN (
    SELECT coalesce(json_agg({{entryJson}} ORDER BY e."offset"), '[]')
    FROM mailbox_entry e
    WHERE e.user_id = r."userId" AND e."offset" > r.after AND (e.expires_at IS NULL OR e.expires_at > now())
  ) END AS entries
FROM json_to_recordset($1::json) AS r (n int, "userId" text, epoch text, after bigint)
CROSS JOIN installation i
LEFT JOIN mailbox m ON m.user_id = r."userId"
CROSS JOIN LATERAL (SELECT coalesce(m.epoch, i.epoch) AS epoch, coalesce(m.last_offset, 0) AS head) h
ORDER BY r.n
