import type { CapturedTable } from '../platform/warehouse/captured-table.js';

/** Texts and mails and what became of them, without their words and addresses. */
export const messageWarehouse: readonly CapturedTable[] = [
  {
    name: 'message',
    userColumn: 'user_id',
    columns: [
      'id',
      'user_id',
      'channel',
      'tier',
      'category',
      'state',
      'reason',
      'attempts',
      'provider',
      'parts',
      'price',
      'currency',
      'event_id',
      'event_type',
      'is_fallback',
      'created_at',
      'sent_at',
      'settled_at',
      'bucket',
    ],
  },
];
