-- Queues a text or mail.
-- $1 text  id · $2 text  user id · $3 text  channel · $4 text[] channels to try when it fails · $5 text  tier · $6 text  category
-- $7 text  subject · $8 text  body · $9 text  html · $10 timestamptz when it is of no use any more · $11 text  what a text says in place of the body
-- $12 json  what its clicks and opens are counted for; null: they are not
-- Returns nothing. Commits with whatever else is in its transaction.
INSERT INTO message (id, user_id, channel, later_channels, tier, category, subject, body, html, expires_at, sms_body, tracking, bucket)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, bucket_of($2))
