-- Reads the events that devices missed, for many devices at once.
-- $1 json  [{ n, userId, epoch?, after? }], n = 0, 1, 2 …: each device's user and position
-- $2 int   how many offsets a device may be behind to get its events · $3 int  how many bytes these may have
-- entryJson: the row `e` of mailbox_entry as json · missed: how many offsets came after the position (mailbox.fragments.ts)
-- Returns n, epoch, head (the newest offset), entries: json array of entryJson in offset order, the newest event of each key after the
-- position; null when the position is missing, of another epoch, not one of this mailbox, or too far behind.
-- One statement reads one snapshot, so head and entries belong together.
SELECT r.n, h.epoch, h.head,
  CASE WHEN r.epoch = h.epoch AND {{missed}} <= $2 THEN (
    SELECT CASE WHEN coalesce(sum(octet_length(j.entry::text)), 0) <= $3
      THEN coalesce(json_agg(j.entry ORDER BY j."offset"), '[]') END
    FROM (
      SELECT e."offset", {{entryJson}} AS entry
      FROM mailbox_entry e
      WHERE e.user_id = r."userId" AND e."offset" > r.after AND (e.expires_at IS NULL OR e.expires_at > now())
      OFFSET 0
    ) j
  ) END AS entries
FROM json_to_recordset($1::json) AS r (n int, "userId" text, epoch text, after bigint)
CROSS JOIN installation i
LEFT JOIN mailbox m ON m.user_id = r."userId"
CROSS JOIN LATERAL (SELECT coalesce(m.epoch, i.epoch) AS epoch, coalesce(m.last_offset, 0) AS head) h
ORDER BY r.n
