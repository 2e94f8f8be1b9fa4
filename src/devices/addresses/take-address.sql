-- Takes a push address from whatever other device has it. Runs before the device that registers it is written, in the same transaction,
-- under the lock of the address.
-- $1 text  user id · $2 text  device id: the device that registers the address · $3 text  the address
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- Returns nothing. Both devices are locked in the order of user and device: two that exchange their addresses cannot deadlock.
WITH locked AS MATERIALIZED (
  SELECT user_id, device_id, push ->> 'address' = $3 AS has_address
  FROM device
  WHERE (user_id = $1 AND device_id = $2) OR push ->> 'address' = $3
  ORDER BY user_id, device_id
  FOR UPDATE
), lost AS (
  UPDATE device d SET push = NULL, push_registered_at = NULL
  FROM locked l
  WHERE d.user_id = l.user_id AND d.device_id = l.device_id AND l.has_address AND (l.user_id, l.device_id) <> ($1, $2)
  RETURNING d.user_id, d.device_id
), withdrawn AS (
  {{withdrawPushes}}
)
SELECT FROM lost
