import { campaignWarehouse } from './campaigns/campaigns.warehouse.js';
import { receiptWarehouse } from './delivery/receipts/receipt.warehouse.js';
import { deviceWarehouse } from './devices/devices.warehouse.js';
import { engagementWarehouse } from './engagement/engagement.warehouse.js';
import { membershipWarehouse } from './membership/membership.warehouse.js';
import { messageWarehouse } from './messages/messages.warehouse.js';
import type { CapturedTable } from './platform/warehouse/captured-table.js';
import { playbackWarehouse } from './playback/playback.warehouse.js';
import { pushWarehouse } from './push/queue/push.warehouse.js';

/** The tables of all folders whose changes go out to the warehouse. */
export const capturedTables: readonly CapturedTable[] = [
  membershipWarehouse,
  playbackWarehouse,
  receiptWarehouse,
  pushWarehouse,
  messageWarehouse,
  deviceWarehouse,
  campaignWarehouse,
  engagementWarehouse,
].flat();
