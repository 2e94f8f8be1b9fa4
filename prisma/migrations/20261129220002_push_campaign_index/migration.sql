CREATE INDEX CONCURRENTLY push_campaign_idx ON push (campaign_id, state) WHERE campaign_id IS NOT NULL;
