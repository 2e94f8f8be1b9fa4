/* Users with one device that sleeps, registered in the database; and the database's word on what is still to be pushed to them. */
import { createECDH, createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startFakeProviders } from '../servers.mjs';

const ROWS_AT_ONCE = 5_000;
const LOOK_EVERY_MS = 50;
/** What is not done by then is stuck. */
const PATIENCE_MS = 300_000;
const FCM_TOKEN_CHARACTERS = 163;
const PLATFORMS = { apns: 'ios', fcm: 'android', webpush: 'web' };

/** What a lock screen shows; it is the event's data too. */
export const WORDS = {
  title: 'New episodes of The Lighthouse',
  body: 'The second season is here. Continue where you stopped, or begin once more with the first episode of all.',
};

/** With fake providers (`providers`, at their `place`) and the database's `sleepingDevices`. */
export async function withFakeProviders(context, act) {
  const providers = await startFakeProviders();
  const sleepingDevices = new SleepingDevices(context.environment.DATABASE_URL);
  await sleepingDevices.open();
  try {
    return await act({ ...context, providers, sleepingDevices, place: await providers.ask('place') });
  } finally {
    await sleepingDevices.close();
    await providers.stop();
  }
}

/** `{ userId, address, keys?, seenAs }` of each; `seenAs` is what the provider calls the address. */
export function sleepersOf({ provider, prefix, count, origin }) {
  const browser = createECDH('prime256v1').generateKeys('base64url');
  const keys = { p256dh: browser, auth: randomBytes(16).toString('base64url') };
  return Array.from({ length: count }, (_, n) => {
    const userId = `${prefix}${n}`;
    if (provider === 'apns') {
      const address = createHash('sha256').update(userId).digest('hex');
      return { userId, address, seenAs: address };
    }
    if (provider === 'fcm') {
      const address = `${userId}:`.padEnd(FCM_TOKEN_CHARACTERS, 'x');
      return { userId, address, seenAs: address };
    }
    return { userId, address: `${origin}/push/${userId}`, keys, seenAs: `/push/${userId}` };
  });
}

class SleepingDevices {
  constructor(databaseUrl) {
    this.client = new pg.Client({ connectionString: databaseUrl });
  }

  open() {
    return this.client.connect();
  }

  close() {
    return this.client.end();
  }

  /** As if their apps had registered, and autovacuum had looked at it since. */
  async register(provider, sleepers) {
    for (let from = 0; from < sleepers.length; from += ROWS_AT_ONCE) {
      const rows = sleepers.slice(from, from + ROWS_AT_ONCE).map(({ userId, address, keys }) => {
        const kind = provider === 'fcm' ? 'fcm_token' : provider;
        return { userId, platform: PLATFORMS[provider], push: { kind, address, ...(keys && { keys }) } };
      });
      await this.client.query(
        `WITH registered AS (
           INSERT INTO device (device_id, user_id, platform, push, push_registered_at, bucket)
           SELECT "userId" || '-device', "userId", platform, push, now(), bucket_of("userId")
           FROM json_to_recordset($1::json) AS r ("userId" text, platform text, push jsonb)
           RETURNING user_id, device_id, push ->> 'address' AS address
         )
         INSERT INTO push_address (hash, user_id, device_id) SELECT push_address_hash(address), user_id, device_id FROM registered`,
        [JSON.stringify(rows)],
      );
    }
    await this.client.query('ANALYZE device, push_address');
  }

  /** Once the push scheduler has claimed every important handoff: what is to be pushed is queued. */
  queued() {
    return this.until(`NOT EXISTS (SELECT 1 FROM handoff WHERE consumer = 'push' AND tier = 'important')`);
  }

  /** Once every push has its outcome too, and every event was handed on. */
  quiet() {
    return this.until(`NOT EXISTS (SELECT 1 FROM push WHERE state IN ('queued', 'sent'))
      AND NOT EXISTS (SELECT 1 FROM handoff)`);
  }

  async until(condition) {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await pause(LOOK_EVERY_MS)) {
      const { rows } = await this.client.query(`SELECT ${condition} AS holds`);
      if (rows[0].holds) return;
    }
    throw new Error(`it never came true that ${condition}`);
  }
}
