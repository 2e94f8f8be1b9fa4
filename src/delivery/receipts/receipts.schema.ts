import { z } from 'zod';
import { deviceId } from '../../platform/auth/ids.schema.js';

const state = z.enum(['applied', 'seen']);

export const receiptPayload = z.union([
  z.object({ offset: z.int().positive(), state }),
  z.object({ ids: z.array(z.uuid()).min(1).max(100), state }),
]);
export type ReceiptPayload = z.infer<typeof receiptPayload>;

/** The same over HTTP, for a device that was woken by a tap and has no socket yet. */
export const receiptReport = z.union([
  z.object({ deviceId, offset: z.int().positive(), state }),
  z.object({ deviceId, ids: z.array(z.uuid()).min(1).max(100), state }),
]);
export type ReceiptReport = z.infer<typeof receiptReport>;
