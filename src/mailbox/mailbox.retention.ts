import type { RetentionRules } from '../platform/retention/retention-rule.js';

/**
 * Expired events, which readers never see, whether they are removed or not; their offsets are not used again. Of these and of
 * superseded ones the timeline knows for as long as of receipts.
 */
export const mailboxRetention: RetentionRules = ({ RECEIPT_RETENTION_DAYS }) => [
  {
    name: 'mailbox_entry',
    table: 'mailbox_entry',
    orderBy: 'expires_at',
    due: 'expires_at <= now() - $1::interval',
    after: '0 seconds',
    keep: `INSERT INTO past_event (user_id, epoch, "offset", id, type, tier, key, target, at, expires_at, bucket)
         SELECT r.user_id, m.epoch, r."offset", r.id, r.type, r.tier, r.key, r.target, r.at, r.expires_at, r.bucket
         FROM removed r JOIN mailbox m ON m.user_id = r.user_id
         ON CONFLICT (user_id, epoch, "offset", bucket) DO NOTHING`,
  },
  {
    name: 'past_event',
    table: 'past_event',
    orderBy: 'left_at',
    due: 'left_at < now() - $1::interval',
    after: `${RECEIPT_RETENTION_DAYS} days`,
  },
];
