import { z } from 'zod';
import { instant, profileId, userId } from '../../platform/auth/ids.schema.js';
import {
  capabilities,
  frontPageVersion,
  MEMBERSHIP_ACTIONS,
  MEMBERSHIP_STATUSES,
  membershipChangedData,
  playbackProgressData,
} from '../events/event-data.schema.js';
import { envelopeSchema, positionSchema } from '../events/publish.schema.js';

/*
 * The state of a user for the documents: the features add its parts (state.ts), and the shapes of these are here, since the mailbox must
 * not import features.
 */

/** `pendingChange` of a membership. */
export const pendingChange = z
  .object({ action: z.enum(MEMBERSHIP_ACTIONS), planId: z.string().optional(), since: instant })
  .meta({
    id: 'PendingChange',
    description: 'A change that the processor has not confirmed; Usher retries it',
  });

/** A membership (MembershipView). */
export const membershipView = membershipChangedData
  .extend({ pendingChange: pendingChange.optional() })
  .meta({ id: 'Membership', description: 'What a user pays for' });

/** What a user may do now; also the response of `GET /v1/users/{userId}/entitlement`. */
export const entitlement = z
  .object({
    userId,
    version: z.int().nonnegative().describe('That of the membership. 0: there never was one'),
    status: z.enum(MEMBERSHIP_STATUSES),
    planId: z.string().nullable(),
    capabilities,
    checkedAt: instant.describe('When this was read'),
  })
  .meta({ id: 'Entitlement', description: 'What a user may do now' });

/** The frame `snapshot`. */
export const stateResponse = z
  .object({
    position: positionSchema.describe('Up to where the entries go.'),
    hasMore: z.boolean().describe('Another page follows.'),
    membership: membershipView,
    entitlement,
    playback: z.array(playbackProgressData).describe('Newest first.'),
    recommendations: z.array(z.object({ profileId, version: frontPageVersion })),
    entries: z.array(envelopeSchema).describe('The newest durable event of each key, in offset order.'),
  })
  .meta({ id: 'State', description: 'Everything that a screen needs, read at one instant' });

/** The response of `GET /v1/me/state`. A device on a socket is sent the broadcasts as events after its snapshot. */
export const stateWithBroadcasts = stateResponse
  .extend({
    broadcasts: z
      .object({
        number: z.int().nonnegative().describe('Up to where the entries go.'),
        entries: z.array(envelopeSchema),
      })
      .describe('The events for everyone that are in force, in the order of their numbers.'),
  })
  .meta({ id: 'StateWithBroadcasts', description: 'A state, with what is said to everyone' });
