import { z } from 'zod';

/** The body with which a one-time link is exchanged for a session. */
export const linkToken = z.object({ token: z.string().max(100) });
export type LinkToken = z.infer<typeof linkToken>;

/** The body with which a one-time link is made. */
export const newLink = z.object({ role: z.enum(['read', 'support', 'operate', 'admin']).default('admin') });
export type NewLink = z.infer<typeof newLink>;
