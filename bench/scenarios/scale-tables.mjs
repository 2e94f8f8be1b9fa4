/* The rows of a million users: one of each kind a user, spread over the time that they are kept, a tenth of it past its retention. */
export const TABLES = [
  'mailbox',
  'mailbox_entry',
  'device',
  'push_address',
  'membership',
  'subscription',
  'subscription_owner',
  'playback_position',
  'receipt',
  'push',
  'webhook',
];

const TEXT = 'x'.repeat(200);
/** $1: users. Ages beyond the defaults of *_RETENTION_DAYS are what retention removes meanwhile. */
const FILL = [
  `INSERT INTO mailbox (user_id, epoch, last_offset, bucket)
   SELECT 'u' || n, 'bench', 1, bucket_of('u' || n) FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, data, at, expires_at, bucket)
   SELECT 'u' || n, 'bench', 1, gen_random_uuid(), 'news.bench', 'important', '{"text":"${TEXT}"}', now() - random() * interval '30 days',
     CASE WHEN n % 10 = 0 THEN now() + random() * interval '10 minutes' END, bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO device (user_id, device_id, platform, push, push_registered_at, last_seen_at, bucket)
   SELECT 'u' || n, 'phone', 'android', jsonb_build_object('kind', 'fcm_token', 'address', rpad('u' || n || ':', 163, 'x')), now(),
     now() - random() * interval '30 days', bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO push_address (hash, user_id, device_id)
   SELECT push_address_hash(push ->> 'address'), user_id, device_id FROM device`,
  `INSERT INTO plan (plan_id, name, capabilities, updated_at)
   VALUES ('bench', 'Bench', '{"maxStreams":2}', now()) ON CONFLICT DO NOTHING`,
  `INSERT INTO plan_price (price_id, plan_id) VALUES ('price_bench', 'bench') ON CONFLICT DO NOTHING`,
  `INSERT INTO subscription_owner (processor, subscription_id, user_id)
   SELECT 'standard', 's' || n, 'u' || n FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO subscription (processor, subscription_id, user_id, customer_id, status, plan_id, effective_at, as_of, object, bucket)
   SELECT 'standard', 's' || n, 'u' || n, 'u' || n, 'active', 'bench', now() - interval '1 year', now() - interval '1 day', '{}',
     bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO membership (user_id, version, status, plan_id, effective_at, reason, updated_at, plan_revision, bucket)
   SELECT 'u' || n, 1, 'active', 'bench', now() - interval '1 year', 'subscription', now(), 1, bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO playback_position (user_id, profile_id, show_id, episode_id, position_seconds, duration_seconds, state, device_id, at, bucket)
   SELECT 'u' || n, 'default', 'show', 'e1', random() * 3000, 5400, 'paused', 'phone', now() - random() * interval '30 days', bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n`,
  `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, sent_at, received_at, created_at, bucket)
   SELECT 'u' || n, 1, 'phone', 'bench', gen_random_uuid(), 'news.bench', 2, at, at, at, bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n, LATERAL (SELECT now() - random() * interval '33 days' + n * interval '0' AS at) t`,
  `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, state, due_at, expires_at, created_at, settled_at, bucket)
   SELECT 'u' || n, 'phone', gen_random_uuid(), 'bench', 'news.bench', 'important', 'bench', 1, 'fcm', 'delivered', at, at, at, at, bucket_of('u' || n)
   FROM generate_series(0, $1::int - 1) n, LATERAL (SELECT now() - random() * interval '33 days' + n * interval '0' AS at) t`,
  `INSERT INTO webhook (processor, event_id, type, status, user_id, subscription_id, payload, created_at, received_at, settled_at)
   SELECT 'standard', 'w' || n, 'subscription.updated', 'applied', 'u' || n, 's' || n,
     CASE WHEN at > now() - interval '8 days' THEN json_build_object('text', '${TEXT}${TEXT}${TEXT}') END, at, at, at
   FROM generate_series(0, $1::int - 1) n, LATERAL (SELECT now() - random() * interval '99 days' + n * interval '0' AS at) t`,
];

/** What waits for the sweep and for the recovery of webhooks. $1: how many · $2: users. */
export const PENDING = {
  handoffs: `INSERT INTO handoff (id, consumer, tier, positions, created_at)
    SELECT gen_random_uuid(), 'delivery', 'important', json_build_array(json_build_array('u' || (random() * ($2::int - 1))::int, 1)),
      now() - interval '2 seconds'
    FROM generate_series(1, $1::int)`,
  webhooks: `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, next_attempt_at)
    SELECT 'standard', 'late-' || gen_random_uuid(), 'subscription.updated', 'stored',
      json_build_object('type', 'subscription.updated', 'timestamp', iso(now()), 'data', json_build_object(
        'subscriptionId', 's' || n, 'userId', 'u' || n, 'status', 'past_due', 'priceIds', json_build_array('price_bench'))),
      now(), now()
    FROM (SELECT (random() * ($2::int - 1))::int AS n FROM generate_series(1, $1::int)) t`,
};

/** Fills empty tables, as if autovacuum had looked at them since. */
export async function fill(client, users) {
  await client.query('SET synchronous_commit = off');
  for (const statement of FILL) await client.query(statement, /\$1/.test(statement) ? [users] : []);
  await client.query(`VACUUM (ANALYZE) ${TABLES.join(', ')}`);
  await client.query('CHECKPOINT');
}
