-- Claims a push address for the device that registers it. Runs first in its transaction, before any device is locked: whoever waits for a
-- claim holds nothing that others wait for. Two registrations of the same address come one after the other, until the end of the first.
-- $1 text  the address · $2 text  user id · $3 text  device id
-- Returns userId, deviceId of the device that had the address before, which must lose it in this transaction; nothing, or nulls, if no other
-- device had it.
INSERT INTO push_address AS c (hash, user_id, device_id)
VALUES (push_address_hash($1), $2, $3)
ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id, device_id = excluded.device_id
WHERE (c.user_id, c.device_id) <> (excluded.user_id, excluded.device_id)
RETURNING old.user_id AS "userId", old.device_id AS "deviceId"
