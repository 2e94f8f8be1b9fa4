/* Who the people of the story are: u1, u2 …, as campaigns/people.mjs adds them, and more various. */
import { createHmac } from 'node:crypto';
import { addPeople, mailboxOf } from '../people.mjs';
import { JWT_SECRET } from '../nodes.mjs';

/** Each twentieth has no mail address, and a TV that cannot be pushed to: only the app tells them. */
export const hasOnlyApp = (n) => n % 20 === 5;
/** Each fortieth has turned campaigns off. */
const wantsNothing = (n) => n % 40 === 15;
const countOf = (count, is) => Array.from({ length: count }, (_, n) => n + 1).filter(is).length;

/** Two accounts that share a mailbox write its address in different ways, which are the same in the normal form. */
function addressOf(n) {
  if (hasOnlyApp(n)) return undefined;
  const mailbox = mailboxOf(n);
  if (mailbox % 20 === 19)
    return n === mailbox ? `person.${n}@gmail.com` : `PERSON${mailbox}+tv@googlemail.com`;
  return n === mailbox ? `person${n}@example.com` : `Person${mailbox}@Example.COM`;
}

/** Returns whose mailbox an address leads to, however it is written. */
export const mailboxAt = (address) => Number(/^person\.?(\d+)(\+tv)?@/i.exec(address)?.[1]);

/** Adds them. Returns how many there must be of what. */
export async function addStoryPeople(client, count, contactKey) {
  const { found, sharedAddresses } = await addPeople(client, count, contactKey, addressOf);
  const numbers = Array.from({ length: count }, (_, n) => n + 1);
  await client.query(
    `INSERT INTO device (user_id, device_id, platform, bucket) SELECT 'u' || n, 'tv', 'tv', bucket_of('u' || n) FROM unnest($1::int[]) n`,
    [numbers.filter(hasOnlyApp)],
  );
  await client.query(
    `INSERT INTO preference (user_id, body, bucket)
     SELECT 'u' || n, '{"categories":{"campaign":{"delivery":"off"}}}', bucket_of('u' || n) FROM unnest($1::int[]) n`,
    [numbers.filter(wantsNothing)],
  );
  const unwilling = countOf(count, wantsNothing);
  return {
    members: count,
    'duplicate users': found - count,
    'duplicate addresses': sharedAddresses,
    'skipped by preference': unwilling,
    queued: count - sharedAddresses - unwilling,
    'queued: app': countOf(count, hasOnlyApp),
  };
}

/** A user's token, as their app has it. */
export function tokenOf(userId) {
  const claims = { sub: userId, aud: 'usher', exp: Math.floor(Date.now() / 1_000) + 7_200 };
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}
