import type { CapturedTable } from '../platform/warehouse/captured-table.js';

/** Devices, without their push addresses and the names that people gave them. */
export const deviceWarehouse: readonly CapturedTable[] = [
  {
    name: 'device',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'device_id',
      'platform',
      'app_version',
      'timezone',
      'locale',
      'created_at',
      'last_seen_at',
      'bucket',
    ],
  },
];
