import type { CampaignDefinition } from '../../../src/campaigns/campaign.js';
import { ContactCipher } from '../../../src/contacts/contact-cipher.js';
import { CONTACT_KEY } from '../drivers/usher.js';
import type { TestDatabase } from '../infrastructure/database.js';

const LONG_AGO = '2026-01-01T00:00:00.000Z';

/** A campaign to the audience `all` that begins at once, with these changes. */
export const campaign = (changes: Partial<CampaignDefinition> = {}): CampaignDefinition => ({
  template: { name: 'advent', version: 1, data: { city: 'Berlin' } },
  audiences: ['all'],
  exclusions: [],
  channels: ['push', 'email'],
  startAt: LONG_AGO,
  ...changes,
});

const cipher = new ContactCipher([CONTACT_KEY]);

/** Writes campaigns, audiences and people as the API leaves them. */
export const campaignRows = (query: TestDatabase['query']) => {
  const audience = (name: string, rule: object | null = { everyone: true }) =>
    query('INSERT INTO audience (name, rule) VALUES ($1, $2)', [name, rule && JSON.stringify(rule)]);
  return {
    audience,
    async list(name: string, members: Readonly<Record<string, object | null>>) {
      await audience(name, null);
      for (const [userId, data] of Object.entries(members))
        await query(
          'INSERT INTO audience_member (audience, user_id, data, bucket) VALUES ($1, $2, $3, bucket_of($2))',
          [name, userId, data && JSON.stringify(data)],
        );
    },
    /** A scheduled campaign, whose time has come unless it says otherwise. */
    schedule: (
      name: string,
      body: CampaignDefinition = campaign(),
      { startsAt = LONG_AGO, expiresAt = '2099-01-01T00:00:00Z' } = {},
    ) =>
      query(
        `INSERT INTO campaign (name, body, state, author, starts_at, expires_at) VALUES ($1, $2, 'scheduled', '{}', $3, $4)`,
        [name, JSON.stringify(body), startsAt, expiresAt],
      ),
    phone: (userId: string, { timezone = 'UTC' } = {}) =>
      query(
        `INSERT INTO device (user_id, device_id, platform, timezone, push, bucket)
         VALUES ($1, 'phone', 'ios', $2, '{"kind":"fcm_token","address":"a"}', bucket_of($1))`,
        [userId, timezone],
      ),
    mail: (userId: string, address: string, isVerified = true) =>
      query(
        `INSERT INTO contact (user_id, email, email_verified, phone_verified, bucket) VALUES ($1, $2, $3, false, bucket_of($1))`,
        [userId, cipher.encrypt(address), isVerified],
      ),
    prefer: (userId: string, delivery: string) =>
      query('INSERT INTO preference (user_id, body, bucket) VALUES ($1, $2, bucket_of($1))', [
        userId,
        JSON.stringify({ categories: { campaign: { delivery } } }),
      ]),
  };
};
