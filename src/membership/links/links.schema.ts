import { z } from 'zod';
import { userId } from '../../platform/auth/ids.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/** Response of `GET /v1/users/{userId}/links`. */
export const linkList = z
  .object({ links: z.array(z.object({ processor: z.string(), customerId: z.string() })) })
  .meta({ id: 'Links' });

/** `stripe:cus_1`: the processor's name has no colon, its customer's id may have some. */
const customer = plainText(320)
  .regex(/^[a-z0-9_-]+:./, { error: 'must be <processor>:<customer id>' })
  .meta({ description: "The processor's name and its customer's id", examples: ['stripe:cus_ada'] })
  .transform((text) => {
    const colon = text.indexOf(':');
    return { processor: text.slice(0, colon), customerId: text.slice(colon + 1) };
  });

/** Query of `GET /v1/users`. */
export const usersQuery = z.strictObject({ customer });
export type UsersQuery = z.infer<typeof usersQuery>;

/** Response of the same. */
export const userList = z
  .object({
    users: z.array(
      z.object({
        userId,
        isLinked: z.boolean().describe('By a link; else a subscription of the customer belongs to the user'),
      }),
    ),
  })
  .meta({ id: 'CustomerUsers' });
