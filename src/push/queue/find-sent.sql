-- Events that were pushed to a device, or are about to be, also when newer ones took their place in the mailbox since.
-- $1 text user id · $2 text device id · $3 bigint[] offsets of the present epoch · $4 uuid[] ids
-- epoch: the mailbox's (mailbox/mailbox.fragments.ts)
-- Returns epoch, offset, id, type.
SELECT p.epoch, p."offset", p.event_id AS id, p.type
FROM push p
WHERE p.user_id = $1 AND p.device_id = $2
  AND ((p.epoch = {{epoch}} AND p."offset" = ANY ($3)) OR p.event_id = ANY ($4))
