/* Users of digests, written past the API: they are not what is measured. */

/** In turn in these time zones, with a phone each, and nothing else: `u1`, `u2` … */
export async function addUsers(client, count, zones = Intl.supportedValuesOf('timeZone')) {
  await client.query(`UPDATE installation SET name = current_database(), epoch = current_database()`);
  await client.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT 'u' || n, current_database(), 0, '{}', bucket_of('u' || n) FROM generate_series(1, $1::int) AS n`,
    [count],
  );
  await client.query(
    `INSERT INTO device (user_id, device_id, platform, timezone, bucket)
     SELECT 'u' || n, 'phone', 'ios', ($2::text[])[1 + n % $3::int], bucket_of('u' || n) FROM generate_series(1, $1::int) AS n`,
    [count, zones, zones.length],
  );
}

const EVENING = {
  types: [],
  categories: ['promo'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 20,
  order: 'newest',
  group: 'none',
  optIn: false,
};

/** A digest at 17:00 for all of them. */
export const defineEvening = (client) =>
  client.query(
    `INSERT INTO digest_definition (name, body, categories, opt_in, changed_in, walked_to) VALUES ('evening', $1, '{promo}', false, 0, '')`,
    [JSON.stringify(EVENING)],
  );

/** New events for everybody, `each` for each user. Returns how many there are. */
export async function publishToAll(client, each) {
  const { rowCount } = await client.query(
    `WITH told AS (UPDATE mailbox SET last_offset = last_offset + $1::int RETURNING user_id, last_offset, bucket)
     INSERT INTO mailbox_entry AS e (user_id, key, "offset", id, type, tier, data, at, bucket)
     SELECT user_id, 'promo ' || n, last_offset - $1::int + n, gen_random_uuid(), 'promo.started', 'important', '{"title":"Free week"}', now(), bucket
     FROM told, generate_series(1, $1::int) AS n
     ON CONFLICT (user_id, key, bucket) DO UPDATE SET "offset" = excluded."offset", id = excluded.id`,
    [each],
  );
  return rowCount;
}
