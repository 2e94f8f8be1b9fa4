import { z } from 'zod';

/** Response of `GET /health/live`. */
export const liveness = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness' });

/** Response of `GET /health/ready`. */
export const readiness = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    accepting: z.boolean().describe('It has booted and is not draining'),
    postgres: z.enum(['up', 'down']),
    redis: z.enum(['up', 'down']),
  })
  .meta({ id: 'Readiness' });
