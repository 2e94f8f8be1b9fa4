import { z } from 'zod';

const address = z.string().min(1).max(2_048);

export const lockScreenBody = z.object({ address });
export type LockScreenBody = z.infer<typeof lockScreenBody>;

/** What the pretend vendor is to say next, one a push; afterwards it delivers. `always` goes on until it is null. */
export const fakeSendResult = z.union([
  z.object({ is: z.literal('delivered') }),
  z.object({ is: z.literal('again'), afterMs: z.int().nonnegative().optional(), reason: z.string() }),
  z.object({ is: z.literal('gone'), since: z.iso.datetime({ offset: true }).optional(), reason: z.string() }),
  z.object({ is: z.literal('our_fault'), reason: z.string() }),
  z.object({ is: z.literal('sender_fault'), reason: z.string() }),
]);
export type FakeSendResult = z.infer<typeof fakeSendResult>;
export const failureBody = z.object({ address, always: fakeSendResult.nullable() });
export type FailureBody = z.infer<typeof failureBody>;
