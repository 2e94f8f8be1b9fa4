-- Finds the events that a device names in a receipt: by offset (in the mailbox's epoch) or by id.
-- $1 text  user id · $2 text  device id · $3 bigint[]  offsets · $4 uuid[]  ids
-- mailboxEvents: those that are in the mailbox · epoch: that of the mailbox (mailbox/mailbox.fragments.ts)
-- Returns epoch, offset, id, type of each event that was for this device. Events of other users are never found.
{{mailboxEvents}}
UNION
SELECT r.epoch, r."offset", r.event_id, r.type
FROM receipt r
WHERE r.user_id = $1 AND r.device_id = $2
  AND ((r.epoch = {{epoch}} AND r."offset" = ANY ($3)) OR r.event_id = ANY ($4))
