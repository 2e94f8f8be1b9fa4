import { receiptRetention } from './delivery/receipts/receipt.retention.js';
import { mailboxRetention } from './mailbox/mailbox.retention.js';
import { webhookRetention } from './membership/webhooks/webhook.retention.js';
import type { Config } from './platform/config/config.js';
import { idempotencyRetention } from './platform/http/idempotency/idempotency.retention.js';
import type { RetentionRule } from './platform/retention/retention-rule.js';
import { pushRetention } from './push/queue/push.retention.js';
import { streamRetention } from './streams/streams.retention.js';

/** Returns what each folder removes because it is old. */
export const retentionRules = (config: Config): RetentionRule[] =>
  [
    idempotencyRetention,
    mailboxRetention,
    pushRetention,
    receiptRetention,
    streamRetention,
    webhookRetention,
  ].flatMap((rules) => rules(config));
