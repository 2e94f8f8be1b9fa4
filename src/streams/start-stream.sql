-- Starts a stream. Under the user's lock, after a slot was found to be free.
-- $1 text stream id, $2 user, $3 device, $4 title, $5 edge, $6 boolean whether the device is registered, $7 int seconds of its slot
-- Out: nothing.
INSERT INTO stream (stream_id, user_id, device_id, title_id, edge_id, device_registered, slot_until, bucket)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second', bucket_of($2))
