import type { RetentionRules } from '../platform/retention/retention-rule.js';
import { STOP_EXPIRY_HOURS } from './stream.js';

/** Read by started_at, since no index may be on what a renewal changes: of streams that started so long ago few still run. */
export const streamRetention: RetentionRules = ({ STREAM_RETENTION_DAYS }) => [
  {
    name: 'stream',
    table: 'stream',
    orderBy: 'started_at',
    due: 'started_at < now() - $1::interval AND coalesce(ended_at, slot_until) < now() - $1::interval',
    after: `${STREAM_RETENTION_DAYS} days`,
  },
  {
    name: 'edge_notice',
    table: 'edge_notice',
    orderBy: 'created_at',
    due: 'created_at < now() - $1::interval',
    after: `${STOP_EXPIRY_HOURS} hours`,
  },
];
