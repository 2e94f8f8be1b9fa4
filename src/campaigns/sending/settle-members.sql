-- Writes what became of claimed members.
-- $1 text campaign · $2 json [{ userId, state, reason?, channel?, eventId? }]
-- Returns nothing. The rows are locked by the claim.
UPDATE campaign_member m SET state = r.state, reason = r.reason, channel = r.channel, event_id = r."eventId", settled_at = now()
FROM json_to_recordset($2::json) AS r ("userId" text, state text, reason text, channel text, "eventId" uuid)
WHERE m.campaign = $1 AND m.user_id = r."userId" AND m.state = 'pending'
