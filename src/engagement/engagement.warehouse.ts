import type { CapturedTable } from '../platform/warehouse/captured-table.js';

/** What people did. */
export const engagementWarehouse: readonly CapturedTable[] = [
  {
    name: 'engagement_event',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'id',
      'day',
      'kind',
      'at',
      'is_machine',
      'team',
      'campaign',
      'template',
      'channel',
      'platform',
      'country',
      'received_at',
      'bucket',
    ],
  },
];
