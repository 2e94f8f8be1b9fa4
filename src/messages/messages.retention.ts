import type { RetentionRules } from '../platform/retention/retention-rule.js';

/** A message is of no use after a week at most, so that none is removed that could still be sent. */
export const messageRetention: RetentionRules = ({ MESSAGE_RETENTION_DAYS }) => [
  {
    name: 'message',
    table: 'message',
    orderBy: 'created_at',
    due: `created_at < now() - $1::interval AND expires_at < now()`,
    after: `${MESSAGE_RETENTION_DAYS} days`,
  },
  {
    name: 'inbound_text',
    table: 'inbound_text',
    orderBy: 'received_at',
    due: 'received_at < now() - $1::interval',
    after: `${MESSAGE_RETENTION_DAYS} days`,
  },
];
