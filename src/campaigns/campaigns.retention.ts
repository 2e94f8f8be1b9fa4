import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** Members are kept as long as what they were sent, and never while it could still be sent: a campaign is of use for a month and a few days at most. */
export const campaignRetention: RetentionRules = ({ CAMPAIGN_RETENTION_DAYS }) => [
  {
    name: 'campaign_member',
    table: 'campaign_member',
    orderBy: 'frozen_at',
    due: 'frozen_at < now() - $1::interval',
    after: `${CAMPAIGN_RETENTION_DAYS} days`,
  },
  {
    name: 'campaign_address',
    table: 'campaign_address',
    orderBy: 'claimed_at',
    due: 'claimed_at < now() - $1::interval',
    after: `${CAMPAIGN_RETENTION_DAYS} days`,
  },
];
