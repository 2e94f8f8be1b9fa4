import { z } from 'zod';

const address = z.string().min(1).max(2_048);

/** The body of POST /dev/lock-screen: the push address of the phone. */
export const lockScreenBody = z.object({ address });
export type LockScreenBody = z.infer<typeof lockScreenBody>;

/** The result that the fake push provider returns for a push, as in push/providers/send-result.ts. */
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
/** The body of POST /dev/lock-screen/trouble: the result of every push to the address from now on; null: delivered again. */
export const failureBody = z.object({ address, always: fakeSendResult.nullable() });
export type FailureBody = z.infer<typeof failureBody>;
