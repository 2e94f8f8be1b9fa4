/* People for campaigns, written past the API: they are not what is measured. */
import { ContactCipher } from '../../dist/contacts/contact-cipher.js';

const SLICE = 5_000;

/**
 * `u1` to `u<count>`: every second one has a phone that can be pushed to (`phone-<n>`), all have a verified mail address, and each tenth one that of the
 * person before. Three audiences: a rule that fits all, and lists of the first half and of each third. `addressOf(n)`: another address of the person, or
 * none (undefined). Returns what must come of it.
 */
export async function addPeople(client, count, contactKey, addressOf = plainAddressOf) {
  const cipher = new ContactCipher([contactKey]);
  for (let from = 1; from <= count; from += SLICE) {
    const to = Math.min(count, from + SLICE - 1);
    const emails = Array.from({ length: to - from + 1 }, (_, n) => addressOf(from + n)).map((address) =>
      address === undefined ? null : Buffer.from(cipher.encrypt(address)),
    );
    await client.query(
      `INSERT INTO contact (user_id, email, email_verified, phone_verified, bucket)
       SELECT 'u' || $1::int + n - 1, e, true, false, bucket_of('u' || $1::int + n - 1) FROM unnest($2::bytea[]) WITH ORDINALITY AS t (e, n)
       WHERE e IS NOT NULL`,
      [from, emails],
    );
  }
  await client.query(
    `INSERT INTO device (user_id, device_id, platform, push, bucket)
     SELECT 'u' || n, 'phone', 'ios', json_build_object('kind', 'fcm_token', 'address', 'phone-' || n)::jsonb, bucket_of('u' || n) FROM generate_series(2, $1::int, 2) AS n`,
    [count],
  );
  await client.query(
    `INSERT INTO audience (name, rule) VALUES ('all', '{"everyone":true}'), ('half', NULL), ('third', NULL)`,
  );
  await client.query(
    `INSERT INTO audience_member (audience, user_id, bucket)
     SELECT 'half', 'u' || n, bucket_of('u' || n) FROM generate_series(1, $1::int / 2) AS n
     UNION ALL SELECT 'third', 'u' || n, bucket_of('u' || n) FROM generate_series(3, $1::int, 3) AS n`,
    [count],
  );
  await client.query('VACUUM (ANALYZE) contact, device, audience_member');
  const [half, third, shared] = [Math.floor(count / 2), Math.floor(count / 3), Math.floor(count / 10)];
  return { people: count, found: count + half + third, sharedAddresses: shared };
}

/** Whose mailbox the person reads. */
export const mailboxOf = (n) => (n % 10 === 0 ? n - 1 : n);
const plainAddressOf = (n) => `person${mailboxOf(n)}@example.com`;
