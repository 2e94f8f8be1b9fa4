-- Removes expired events, at most $1 at a time; rows that another worker holds are left to it. Offsets stay taken.
-- Out: a row for each removed event.
DELETE FROM mailbox_entry
WHERE (user_id, key) IN (
  SELECT user_id, key FROM mailbox_entry WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING 1
