import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';

const count = z.int().nonnegative();

export const forecastAnswer = z.object({
  vendors: z.array(
    z.object({
      vendor: z.enum(['apns', 'fcm', 'webpush']),
      perSecond: z.number().describe('What the vendor is given at most.'),
      waiting: z.object({ critical: count, important: count }),
      seconds: z.number().nonnegative().describe('How long that takes.'),
      throughAt: instant,
    }),
  ),
});
