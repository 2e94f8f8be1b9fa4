import { audienceErasure } from './audiences/audiences.erasure.js';
import { broadcastRetention } from './broadcasts/broadcasts.retention.js';
import { campaignErasure } from './campaigns/campaigns.erasure.js';
import { campaignRetention } from './campaigns/campaigns.retention.js';
import { contactErasure } from './contacts/contacts.erasure.js';
import { receiptErasure } from './delivery/receipts/receipt.erasure.js';
import { receiptRetention } from './delivery/receipts/receipt.retention.js';
import { deviceErasure } from './devices/devices.erasure.js';
import { digestErasure } from './digests/digests.erasure.js';
import { digestRetention } from './digests/digests.retention.js';
import { engagementErasure } from './engagement/engagement.erasure.js';
import { engagementRetention } from './engagement/engagement.retention.js';
import { mailboxErasure } from './mailbox/mailbox.erasure.js';
import { mailboxRetention } from './mailbox/mailbox.retention.js';
import { membershipErasure } from './membership/membership.erasure.js';
import { webhookRetention } from './membership/webhooks/webhook.retention.js';
import { messageErasure } from './messages/messages.erasure.js';
import { messageRetention } from './messages/messages.retention.js';
import type { Config } from './platform/config/config.js';
import { auditErasure } from './platform/audit/audit.erasure.js';
import { auditRetention } from './platform/audit/audit.retention.js';
import { revocationRetention } from './platform/auth/revocations/revocation.retention.js';
import { idempotencyRetention } from './platform/http/idempotency/idempotency.retention.js';
import type { RetentionRule } from './platform/retention/retention-rule.js';
import type { UserErasure } from './platform/retention/user-erasure.js';
import { playbackErasure } from './playback/playback.erasure.js';
import { pushErasure } from './push/queue/push.erasure.js';
import { pushRetention } from './push/queue/push.retention.js';
import { recommendationErasure } from './recommendations/recommendations.erasure.js';
import { recommendationRetention } from './recommendations/recommendations.retention.js';
import { streamErasure } from './streams/streams.erasure.js';
import { streamRetention } from './streams/streams.retention.js';
import { warehouseErasure } from './warehouse/warehouse.erasure.js';

/** Returns what each folder removes because it is old. */
export const retentionRules = (config: Config): RetentionRule[] =>
  [
    auditRetention,
    broadcastRetention,
    campaignRetention,
    digestRetention,
    engagementRetention,
    idempotencyRetention,
    mailboxRetention,
    messageRetention,
    pushRetention,
    receiptRetention,
    recommendationRetention,
    revocationRetention,
    streamRetention,
    webhookRetention,
  ].flatMap((rules) => rules(config));

/**
 * What each folder erases of a person. The warehouse comes after all whose tables it captures, so that it knows how far the log has something of
 * the person. The mailbox comes last: what the others end is said there.
 */
export const userErasures: readonly UserErasure[] = [
  membershipErasure,
  streamErasure,
  deviceErasure,
  contactErasure,
  messageErasure,
  pushErasure,
  receiptErasure,
  playbackErasure,
  recommendationErasure,
  digestErasure,
  engagementErasure,
  audienceErasure,
  campaignErasure,
  auditErasure,
  warehouseErasure,
  mailboxErasure,
];
