CREATE INDEX CONCURRENTLY message_campaign_idx ON message (campaign_id, channel, state) WHERE campaign_id IS NOT NULL;
