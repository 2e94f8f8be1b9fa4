-- The user's own events that a device means with its receipt: by offset of the present epoch, or by id.
-- $1 text user id · $2 text device id · $3 bigint[] offsets · $4 uuid[] ids
-- Out: epoch, offset, id, type of each that was for this device. Events of other users are never found.
SELECT coalesce(m.epoch, '') AS epoch, e."offset", e.id, e.type
FROM mailbox_entry e
JOIN mailbox m USING (user_id)
WHERE e.user_id = $1 AND (e.target IS NULL OR e.target = $2) AND (e."offset" = ANY ($3) OR e.id = ANY ($4))
UNION
SELECT r.epoch, r."offset", r.event_id, r.type
FROM receipt r
JOIN mailbox m USING (user_id)
WHERE r.user_id = $1 AND r.device_id = $2 AND ((r.epoch = m.epoch AND r."offset" = ANY ($3)) OR r.event_id = ANY ($4))
UNION
-- What was pushed, even if a newer event has taken its place since.
SELECT p.epoch, p."offset", p.event_id, p.type
FROM push p
JOIN mailbox m USING (user_id)
WHERE p.user_id = $1 AND p.device_id = $2 AND ((p.epoch = m.epoch AND p."offset" = ANY ($3)) OR p.event_id = ANY ($4))
