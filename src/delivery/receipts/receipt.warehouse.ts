import type { CapturedTable } from '../../platform/warehouse/captured-table.js';

/** How far events got on devices. */
export const receiptWarehouse: readonly CapturedTable[] = [
  {
    name: 'receipt',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'device_id',
      'epoch',
      'offset',
      'event_id',
      'type',
      'state',
      'sent_at',
      'received_at',
      'applied_at',
      'seen_at',
      'created_at',
      'bucket',
    ],
  },
];
