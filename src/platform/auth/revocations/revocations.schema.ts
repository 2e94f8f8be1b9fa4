import { z } from 'zod';
import { plainText } from '../../http/text.schema.js';
import { deviceId, instant, userId } from '../ids.schema.js';

const tokenId = plainText(200).min(1);

/** The body of a revocation. Without a device or a token, all of the user's tokens are revoked. */
export const newRevocation = z
  .strictObject({
    deviceId: deviceId.optional().describe('Only the tokens that this device shows.'),
    tokenId: tokenId.optional().describe('Only the token with this `jti`.'),
  })
  .refine((body) => body.deviceId === undefined || body.tokenId === undefined, {
    error: 'name a device or a token, not both',
  })
  .meta({ id: 'NewRevocation', examples: [{ deviceId: 'ada-tv' }] });
/** The validated body. */
export type NewRevocation = z.infer<typeof newRevocation>;

/** The revocation as it was stored. */
export const revocationResponse = z
  .object({
    userId,
    deviceId: deviceId.optional(),
    tokenId: tokenId.optional(),
    notBefore: instant.describe('Tokens with an earlier `iat` are refused.'),
  })
  .meta({ id: 'Revocation' });
