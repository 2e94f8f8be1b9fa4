-- Reads one page of a user's durable events.
-- $1 text  user id · $2 bigint  the offset after which the page begins · $3 int  how many events at most
-- entryJson: the row `e` of mailbox_entry as json (mailbox.fragments.ts)
-- Returns one row: epoch, head (the newest offset), entries (json array of entryJson in offset order).
SELECT coalesce(m.epoch, i.epoch) AS epoch, coalesce(m.last_offset, 0) AS head, (
  SELECT coalesce(json_agg({{entryJson}} ORDER BY e."offset"), '[]')
  FROM (
    SELECT * FROM mailbox_entry x
    WHERE x.user_id = $1 AND x."offset" > $2 AND (x.expires_at IS NULL OR x.expires_at > now())
    ORDER BY x."offset" LIMIT $3
  ) page
  JOIN mailbox_entry e USING (user_id, key)
) AS entries
FROM installation i
LEFT JOIN mailbox m ON m.user_id = $1
