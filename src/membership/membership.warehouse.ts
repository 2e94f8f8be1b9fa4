import type { CapturedTable } from '../platform/warehouse/captured-table.js';

/** What users pay for, and how that changed. Without the processor's objects, customers and webhooks. */
export const membershipWarehouse: readonly CapturedTable[] = [
  { name: 'plan', columns: ['plan_id', 'name', 'revision', 'updated_at'] },
  {
    name: 'membership',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'version',
      'status',
      'plan_id',
      'effective_at',
      'cancel_at',
      'reason',
      'ends_at',
      'updated_at',
      'bucket',
    ],
  },
  {
    name: 'membership_history',
    userColumn: 'user_id',
    columns: [
      'user_id',
      'version',
      'status',
      'plan_id',
      'effective_at',
      'cancel_at',
      'reason',
      'processor',
      'recorded_at',
      'bucket',
    ],
  },
  {
    name: 'subscription',
    userColumn: 'user_id',
    columns: [
      'processor',
      'subscription_id',
      'user_id',
      'status',
      'plan_id',
      'effective_at',
      'cancel_at',
      'ended',
      'as_of',
      'bucket',
    ],
  },
];
