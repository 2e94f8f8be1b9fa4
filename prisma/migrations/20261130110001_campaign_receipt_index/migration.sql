-- Receipts of campaigns' events, which are counted for their campaign. It has no row for any other receipt, and no column of it ever changes.
CREATE INDEX CONCURRENTLY receipt_campaign_idx ON receipt (created_at) WHERE type = 'campaign.message';
