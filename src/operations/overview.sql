-- What is waiting in the tables, for the overview: each number is a look at an index.
-- $1 text[] payment processors · $2 text[] push providers
-- oldestHandoffs: mailbox/mailbox.fragments.ts · oldestPushes, pauses: push/queue/push.fragments.ts · webhookSilence, usualWebhookSilence,
-- failingWebhooks, waitingWebhooks: membership/membership.fragments.ts
-- Returns one row, all json: handoffs { critical, important } in seconds · pushes [{ vendor, tier, seconds }] · pauses [{ vendor, critical, since }] ·
-- processors [{ processor, silentSeconds, usualSeconds, failingSeconds }] · waiting { count, seconds }
SELECT
  {{oldestHandoffs}} AS handoffs,
  (SELECT coalesce(json_agg(o), '[]') FROM ({{oldestPushes}}) AS o) AS pushes,
  {{pauses}} AS pauses,
  (SELECT coalesce(json_agg(json_build_object('processor', s.processor, 'silentSeconds', s.seconds,
      'usualSeconds', u.seconds, 'failingSeconds', f.seconds) ORDER BY s.processor), '[]')
    FROM ({{webhookSilence}}) AS s JOIN ({{usualWebhookSilence}}) AS u USING (processor)
      LEFT JOIN ({{failingWebhooks}}) AS f USING (processor)) AS processors,
  {{waitingWebhooks}} AS waiting
