-- Writes which members of campaigns did what they were hoped to do, each once for a campaign, and counts them. In the commit of the events.
-- $1 json [{ userId, type }], each once · $2 smallint shard of the counts
-- Returns nothing. Members are locked in the order of their ids; those that are locked already (their user is being erased) are left out, so that no
-- event waits for a campaign.
WITH happened AS MATERIALIZED (
  SELECT r."userId" AS user_id, r.type FROM json_to_recordset($1::json) AS r ("userId" text COLLATE "C", type text)
), due AS MATERIALIZED (
  SELECT m.campaign, m.user_id, m.bucket
  FROM happened h
  JOIN campaign_member m ON m.user_id = h.user_id
  JOIN campaign c ON c.name = m.campaign
  WHERE m.state = 'queued' AND m.converted_at IS NULL AND c.body #>> '{goal,eventType}' = h.type
    AND m.settled_at > now() - (c.body #>> '{goal,withinHours}')::int * interval '1 hour'
  ORDER BY m.user_id, m.campaign
  FOR NO KEY UPDATE OF m SKIP LOCKED
), converted AS (
  UPDATE campaign_member m SET converted_at = now() FROM due d
  WHERE m.campaign = d.campaign AND m.user_id = d.user_id AND m.bucket = d.bucket
  RETURNING m.campaign
)
INSERT INTO campaign_tally AS t (campaign, what, detail, shard, count, updated_at)
SELECT c.campaign, 'converted', '', $2, count(*), now() FROM converted c GROUP BY c.campaign ORDER BY c.campaign
ON CONFLICT (campaign, what, detail, shard) DO UPDATE SET count = t.count + excluded.count, updated_at = excluded.updated_at
