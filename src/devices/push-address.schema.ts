import { z } from 'zod';

/** What the providers issue. 2,048 is twice the longest that was seen, and fits an index. */
const address = z
  .string()
  .max(2_048)
  .regex(/^[\x21-\x7e]+$/, { error: 'must be an address as the provider issued it' });
const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+={0,2}$/, { error: 'must be base64url' });

/** Where pushes for a device go; one shape for each kind. Which provider serves a kind: push/providers/registry.ts. */
export const pushAddress = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('apns'), address }),
    z.object({ kind: z.literal('fcm_token'), address }),
    z.object({ kind: z.literal('fcm_fid'), address }),
    z.object({
      kind: z.literal('webpush'),
      address: address.regex(/^https:\/\//, {
        error: 'must be the endpoint of the subscription, an https URL',
      }),
      // A P-256 point has 65 bytes, the secret 16 (RFC 8291).
      keys: z.object({ p256dh: base64url(96), auth: base64url(32) }),
    }),
  ])
  .meta({ id: 'PushAddress' });
export type PushAddress = Readonly<z.infer<typeof pushAddress>>;
