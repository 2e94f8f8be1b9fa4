-- Takes a push address from the device that had it until another one claimed it.
-- $1 text  user id · $2 text  device id · $3 text  the address
-- withdrawMovedPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- Returns nothing. A device that has another address meanwhile keeps that.
WITH lost AS (
  UPDATE device SET push = NULL, push_registered_at = NULL
  WHERE user_id = $1 AND device_id = $2 AND push ->> 'address' = $3
  RETURNING user_id, device_id
), withdrawn AS (
  {{withdrawMovedPushes}}
)
SELECT FROM lost
