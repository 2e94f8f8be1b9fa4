-- What has waited longest in each queue that is a table, for the metrics: each number is a look at an index.
-- $1 text[] push providers
-- oldestHandoffs: mailbox/mailbox.fragments.ts · oldestPushes: push/queue/push.fragments.ts · waitingWebhooks:
-- membership/membership.fragments.ts · oldestEdgeNotice: streams/stream.fragments.ts · oldestMessages: messages/queue/message.fragments.ts ·
-- oldestDigest: digests/digest.fragments.ts
-- Returns one row: handoffs { critical, important } in seconds · pushes [{ vendor, tier, seconds }] · waiting { count, seconds } ·
-- "edgeNotice" and digest in seconds · messages [{ channel, tier, seconds }]
SELECT
  {{oldestHandoffs}} AS handoffs,
  (SELECT coalesce(json_agg(o), '[]') FROM ({{oldestPushes}}) AS o) AS pushes,
  {{waitingWebhooks}} AS waiting,
  {{oldestEdgeNotice}} AS "edgeNotice",
  (SELECT coalesce(json_agg(o), '[]') FROM ({{oldestMessages}}) AS o) AS messages,
  {{oldestDigest}} AS digest
