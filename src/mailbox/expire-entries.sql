-- Removes expired events. Their offsets are not used again.
-- $1 int  how many at most; rows that another transaction has locked are skipped
-- Returns a row for each removed event.
DELETE FROM mailbox_entry
WHERE (user_id, key) IN (
  SELECT user_id, key FROM mailbox_entry WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING 1
