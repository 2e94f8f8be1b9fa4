-- Events that were pushed to a device or are queued for it, also when newer ones have replaced them in the mailbox since.
-- $1 text user id · $2 text device id · $3 bigint[] offsets of the present epoch · $4 uuid[] ids
-- epoch: mailbox/mailbox.fragments.ts
-- Returns epoch, offset, id, type.
SELECT p.epoch, p."offset", p.event_id AS id, p.type
FROM push p
WHERE p.user_id = $1 AND p.device_id = $2
  AND ((p.epoch = {{epoch}} AND p."offset" = ANY ($3)) OR p.event_id = ANY ($4))
