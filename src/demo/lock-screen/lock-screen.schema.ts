import { z } from 'zod';

const address = z.string().min(1).max(2_048);

export const lockScreenBody = z.object({ address });
export type LockScreenBody = z.infer<typeof lockScreenBody>;

/** The result of the fake provider. */
export const fakeSendResult = z.union([
  z.object({ is: z.literal('delivered') }),
  z.object({ is: z.literal('retry'), afterMs: z.int().nonnegative().optional(), reason: z.string() }),
  z.object({
    is: z.literal('unregistered'),
    since: z.iso.datetime({ offset: true }).optional(),
    reason: z.string(),
  }),
  z.object({ is: z.literal('misconfigured'), reason: z.string() }),
  z.object({ is: z.literal('rejected'), reason: z.string() }),
]);
export type FakeSendResult = z.infer<typeof fakeSendResult>;
/** `always`: the result of every push to this address from now on; null delivers them again. */
export const failureBody = z.object({ address, always: fakeSendResult.nullable() });
export type FailureBody = z.infer<typeof failureBody>;
