-- By which the deliveries of campaigns are found (takenCampaignPushes in push/queue/push.fragments.ts). It has no row for any other push.
CREATE INDEX CONCURRENTLY push_campaign_settled_idx ON push (settled_at) WHERE campaign_id IS NOT NULL;
