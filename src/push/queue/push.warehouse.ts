import type { CapturedTable } from '../../platform/warehouse/captured-table.js';

/** Pushes and what became of them. */
export const pushWarehouse: readonly CapturedTable[] = [
  {
    name: 'push',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'device_id',
      'event_id',
      'type',
      'tier',
      'vendor',
      'action',
      'state',
      'reason',
      'attempts',
      'created_at',
      'settled_at',
      'bucket',
    ],
  },
];
