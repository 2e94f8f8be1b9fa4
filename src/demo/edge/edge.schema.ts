import { z } from 'zod';
import { deviceId, userId } from '../../platform/auth/ids.schema.js';

/** The body of POST /dev/edge/film: who plays what, and on which device. */
export const filmBody = z.object({ userId, deviceId, titleId: z.string().min(1).max(128) });
export type FilmBody = z.infer<typeof filmBody>;
