import type { CapturedTable } from '../platform/warehouse/captured-table.js';

/** Campaigns and what became of their members, without what was said, to which address, and by whom it was written. */
export const campaignWarehouse: readonly CapturedTable[] = [
  {
    name: 'campaign',
    columns: [
      'name',
      'state',
      'starts_at',
      'expires_at',
      'created_at',
      'started_at',
      'frozen_at',
      'ended_at',
      'broadcast_id',
    ],
  },
  {
    name: 'campaign_member',
    userColumn: 'user_id',
    columns: [
      'campaign',
      'user_id',
      'state',
      'reason',
      'audience',
      'channel',
      'event_id',
      'frozen_at',
      'settled_at',
      'converted_at',
      'bucket',
    ],
  },
];
