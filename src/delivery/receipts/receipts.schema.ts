import { z } from 'zod';
import { deviceId } from '../../platform/auth/ids.schema.js';

const state = z.enum(['applied', 'seen']);

/** The payload of the frame `receipt`. */
export const receiptPayload = z.union([
  z.object({ offset: z.int().positive(), state }),
  z.object({ ids: z.array(z.uuid()).min(1).max(100), state }),
]);
export type ReceiptPayload = z.infer<typeof receiptPayload>;

/** The body of `POST /v1/me/receipts`, for an app that a tap on a push opened and that has no connection yet. */
export const receiptReport = z
  .union([
    z.object({ deviceId, offset: z.int().positive(), state }),
    z.object({ deviceId, ids: z.array(z.uuid()).min(1).max(100), state }),
  ])
  .meta({ id: 'NewReceipt', examples: [{ deviceId: 'ada-tv', offset: 1, state: 'seen' }] });
export type ReceiptReport = z.infer<typeof receiptReport>;
