-- Reads one page of a user's durable events.
-- $1 text  user id · $2 bigint  the offset after which the page begins · $3 int  how many events at most
-- page: as many of the rows as fit into a page, as `entries` and "hasMore" (mailbox.fragments.ts)
-- missed: how many offsets came after the offset $2
-- Returns one row: epoch, head (the newest offset), isLost (the mailbox does not have the offset $2), entries (json array of entryJson
-- in offset order), hasMore (whether some of the $3 events did not fit).
SELECT coalesce(m.epoch, i.epoch) AS epoch, coalesce(m.last_offset, 0) AS head, {{missed}} IS NULL AS "isLost",
  page.entries, page."hasMore"
FROM installation i
LEFT JOIN mailbox m ON m.user_id = $1
CROSS JOIN LATERAL ({{page}}) page
