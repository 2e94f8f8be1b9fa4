import type { CapturedTable } from '../platform/warehouse/captured-table.js';

/** Where profiles stopped, each time that it was saved. */
export const playbackWarehouse: readonly CapturedTable[] = [
  {
    name: 'playback_position',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'profile_id',
      'show_id',
      'episode_id',
      'position_seconds',
      'duration_seconds',
      'state',
      'device_id',
      'at',
      'bucket',
    ],
  },
];
