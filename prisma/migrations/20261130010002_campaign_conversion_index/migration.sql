CREATE INDEX CONCURRENTLY campaign_member_converted_idx ON campaign_member (converted_at) WHERE converted_at IS NOT NULL;
