import { z } from 'zod';

/** The alphabet of user ids, and of all other ids that apps and back offices choose (docs/CONTRACT.md, "Ids, times, bodies"). */
const ID = /^[A-Za-z0-9_.:-]{1,64}$/;
const id = (name: string, description: string, example: string) =>
  z
    .string()
    .regex(ID, { error: `${name} must be 1 to 64 of A-Z a-z 0-9 _ . : -` })
    .meta({ description, examples: [example] });

/** A user: the `sub` of their tokens. */
export const userId = id('userId', 'A user: the `sub` of their tokens', 'ada');
/** A device, unique within its user. */
export const deviceId = id('deviceId', 'A device, unique within its user', 'ada-tv');
/** A profile, unique within its user. */
export const profileId = id('profileId', 'A profile, unique within its user', 'main');
/** An event, by the id that Usher gave it. */
export const eventId = z
  .uuid()
  .meta({ description: 'An event', examples: ['a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11'] });
/** A time in ISO 8601 with `Z` or an offset. */
export const instant = z.iso.datetime({ offset: true }).meta({ examples: ['2026-11-20T08:47:45.000Z'] });
/** The same in UTC and as PostgreSQL can hold it, which knows no year 0; nothing happened before 1970. */
export const storableInstant = instant.transform((text) =>
  new Date(Math.max(0, Date.parse(text))).toISOString(),
);
/** The profile of calls that name none. */
export const DEFAULT_PROFILE = 'main';
