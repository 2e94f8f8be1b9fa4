import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';

/** The body of POST /dev/clock. `stands`: it does not go on from there. */
export const clockBody = z.object({ at: instant, stands: z.boolean().default(false) });
export type ClockBody = z.infer<typeof clockBody>;
