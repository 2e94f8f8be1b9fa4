import { z } from 'zod';

const state = z.enum(['applied', 'seen']);

export const receiptPayload = z.union([
  z.object({ offset: z.int().positive(), state }),
  z.object({ ids: z.array(z.uuid()).min(1).max(100), state }),
]);
export type ReceiptPayload = z.infer<typeof receiptPayload>;
