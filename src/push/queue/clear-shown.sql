-- What was shown on a user's other devices and is seen now: it is taken away there.
-- $1 text user id · $2 text  the device that saw it · $3 uuid[] event ids
-- One that is on its way to the vendor counts as shown: its outcome then no longer matters (settle.sql leaves it).
-- Out: a row for each push that is to be cleared.
UPDATE push SET state = 'queued', action = 'clear', attempts = 0, due_at = now(), settled_at = NULL,
  expires_at = now() + interval '1 hour'
WHERE user_id = $1 AND device_id <> $2 AND event_id = ANY ($3) AND action = 'show' AND state IN ('sent', 'delivered')
RETURNING 1
