-- The whole schema as of the first release. See prisma/schema.prisma for what each table is for and which folder owns it.
-- Migrations after this one only add (docs/operations.md).

-- An instant as the contract writes it: 2026-11-20T07:40:00.000Z.
CREATE FUNCTION iso(instant timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- Every user's rows belong to one of 1,024 buckets: the unit by which tables can be distributed over servers later without rewriting them
-- (docs/decisions/keyed-by-user-and-bucket.md). The same function is in src/platform/postgres/bucket.ts; neither may ever change.
CREATE FUNCTION bucket_of(user_id text) RETURNS smallint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (crc32(user_id::bytea) & 1023)::smallint;

-- Platform

CREATE TABLE installation (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  name text NOT NULL,
  epoch text NOT NULL,
  generation integer NOT NULL DEFAULT 0 CHECK (generation >= 0)
);
INSERT INTO installation (name, epoch)
SELECT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12), substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);

CREATE TABLE service_key (
  id text PRIMARY KEY,
  name text NOT NULL,
  scopes text[] NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  revoked_at timestamptz(3)
);

CREATE TABLE idempotent_call (
  id bytea PRIMARY KEY,
  body_hash bytea NOT NULL,
  status integer,
  answer bytea,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX idempotent_call_created_at_idx ON idempotent_call (created_at);

-- Tokens that are refused although their signature is good. Nodes read what is new by `seq`, which grows in the order of
-- commits (the writer holds a lock), and a user's own rows when the user comes to them.
CREATE SEQUENCE revocation_seq;

CREATE TABLE revocation (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL DEFAULT '',
  token_id text COLLATE "C" NOT NULL DEFAULT '',
  not_before timestamptz(3) NOT NULL DEFAULT now(),
  seq bigint NOT NULL DEFAULT nextval('revocation_seq'),
  PRIMARY KEY (user_id, device_id, token_id)
);
CREATE UNIQUE INDEX revocation_seq_idx ON revocation (seq);
CREATE INDEX revocation_not_before_idx ON revocation (not_before);

-- Mailbox

-- The number of the timeline under which PostgreSQL writes: it grows with each promotion of a standby, and with each recovery to a point
-- in time. Read from shared memory; needs no privilege. Fails on a standby. Where an engine has no such function its body may be 1
-- (docs/operations.md).
CREATE FUNCTION wal_timeline() RETURNS bigint LANGUAGE sql VOLATILE
  RETURN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint;

-- `generation_ends`: the last offsets of the generations before the one of `last_offset`; null while there is only one.
CREATE TABLE mailbox (
  user_id text COLLATE "C" NOT NULL,
  epoch text NOT NULL,
  last_offset bigint NOT NULL,
  generation_ends bigint[],
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, bucket)
) WITH (fillfactor = 90);

-- `data` is null for what is derived (src/mailbox/events/derived-data.ts). Each update is a new place in each index, whatever room its page has,
-- since the offset is in one: so no fill factor, and a vacuum before the indexes grow by half (docs/capacity.md).
CREATE TABLE mailbox_entry (
  user_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  "offset" bigint NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('critical', 'important')),
  profile_id text,
  target text,
  data json,
  at timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, key, bucket)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX mailbox_entry_user_id_offset_idx ON mailbox_entry (user_id, "offset");
-- Most events never expire.
CREATE INDEX mailbox_entry_expires_at_idx ON mailbox_entry (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE handoff (
  id uuid NOT NULL,
  consumer text NOT NULL,
  tier text NOT NULL,
  positions json NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (id, consumer)
);
CREATE INDEX handoff_consumer_tier_created_at_idx ON handoff (consumer, tier, created_at);

-- Delivery

CREATE TABLE receipt (
  user_id text COLLATE "C" NOT NULL,
  "offset" bigint NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  epoch text NOT NULL,
  event_id uuid NOT NULL,
  type text NOT NULL,
  state smallint NOT NULL CHECK (state BETWEEN 1 AND 4),
  sent_at timestamptz(3),
  received_at timestamptz(3),
  applied_at timestamptz(3),
  seen_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, device_id, epoch, "offset", bucket)
);
CREATE INDEX receipt_user_id_event_id_idx ON receipt (user_id, event_id);
-- By which old receipts are found. A later step of a receipt changes no column with an index.
CREATE INDEX receipt_created_at_idx ON receipt (created_at);

-- Devices

-- A device is known by its user and the id that its app chose: two users may have the same id.
CREATE TABLE device (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  platform text NOT NULL,
  name text,
  app_version text,
  timezone text,
  locale text,
  push jsonb,
  push_registered_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  last_seen_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, device_id, bucket)
);
CREATE INDEX device_last_seen_at_idx ON device (last_seen_at);

-- What is unique in the world is the address: the device that registered it last has it. Keyed by a hash, so that it can be distributed
-- by its own key: `device` is distributed by users, and cannot tell who else has an address. The function may never change.
CREATE FUNCTION push_address_hash(address text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN sha256(convert_to(address, 'UTF8'));

CREATE TABLE push_address (
  hash bytea PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL
);
CREATE INDEX push_address_user_id_idx ON push_address (user_id);

CREATE TABLE preference (
  user_id text COLLATE "C" NOT NULL,
  body jsonb NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, bucket)
);

-- Push: one row for each event that a sleeping device is told. See docs/decisions/push-is-asked-at-the-last-moment.md.

CREATE TABLE push (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  event_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  type text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('critical', 'important')),
  epoch text NOT NULL,
  "offset" bigint NOT NULL,
  vendor text NOT NULL,
  action text NOT NULL DEFAULT 'show' CHECK (action IN ('show', 'clear')),
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'sent', 'delivered', 'cleared', 'withdrawn', 'expired', 'gone', 'failed')),
  reason text,
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  settled_at timestamptz(3),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, device_id, event_id, bucket)
) WITH (fillfactor = 80);
-- The queue is only this index: what is settled is not in it, and a lane is never behind another one.
CREATE INDEX push_due_idx ON push (vendor, tier, due_at) WHERE state IN ('queued', 'sent');
CREATE INDEX push_settled_at_idx ON push (settled_at) WHERE settled_at IS NOT NULL;

-- Membership

-- `revision` grows when the capabilities change; a membership remembers which one its version told.
CREATE TABLE plan (
  plan_id text PRIMARY KEY,
  name text NOT NULL,
  capabilities jsonb NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  revision bigint NOT NULL DEFAULT 1
);

-- `position` is the order in which the back office named them.
CREATE TABLE plan_price (
  price_id text PRIMARY KEY,
  plan_id text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  CONSTRAINT plan_price_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plan (plan_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX plan_price_plan_id_idx ON plan_price (plan_id);

-- Keyed by what a processor's webhook names. That a user has one customer of a processor is kept by the user's lock as well: distributed by
-- the key, there is no such unique index.
CREATE TABLE processor_link (
  processor text NOT NULL,
  customer_id text NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (processor, customer_id)
);
CREATE UNIQUE INDEX processor_link_user_id_processor_key ON processor_link (user_id, processor);

-- `subscription_id` is what its processor is asked for; null where nothing is asked. From `next_attempt_at` on any worker may take a webhook
-- that is `stored` or `failed`: at first after the node that received it had its time, then after a lease, or the pause that a failure brings.
CREATE TABLE webhook (
  processor text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  status text NOT NULL CHECK (status IN ('stored', 'applied', 'stale', 'ignored', 'waiting', 'failed')),
  reason text,
  waiting_for text[] NOT NULL DEFAULT '{}',
  user_id text,
  subscription_id text,
  attempts integer NOT NULL DEFAULT 0,
  payload json,
  created_at timestamptz(3) NOT NULL,
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  next_attempt_at timestamptz(3) NOT NULL DEFAULT now() + interval '5 seconds',
  settled_at timestamptz(3),
  PRIMARY KEY (processor, event_id)
);
CREATE INDEX webhook_status_received_at_idx ON webhook (status, received_at);
CREATE INDEX webhook_processor_received_at_idx ON webhook (processor, received_at);
-- By which bodies that nothing reads any more, and later their rows, are found: each row is in one of the two.
CREATE INDEX webhook_body_settled_at_idx ON webhook (settled_at) WHERE payload IS NOT NULL;
CREATE INDEX webhook_settled_at_idx ON webhook (settled_at) WHERE payload IS NULL;
-- What a user's processors said, for the timeline.
CREATE INDEX webhook_user_id_received_at_idx ON webhook (user_id, received_at);
-- What is open. Settled webhooks, which are nearly all, are in none of these.
CREATE INDEX webhook_due_idx ON webhook (processor, next_attempt_at) WHERE status IN ('stored', 'failed');
CREATE INDEX webhook_open_subscription_idx ON webhook (processor, subscription_id) WHERE status IN ('stored', 'failed');
CREATE INDEX webhook_open_received_at_idx ON webhook (processor, received_at) WHERE status IN ('stored', 'failed');
CREATE INDEX webhook_waiting_for_idx ON webhook USING gin (waiting_for) WHERE status = 'waiting';

-- What webhooks waited for and is there by now, where more of them waited than were woken at once.
CREATE TABLE webhook_wakeup (
  need text COLLATE "C" PRIMARY KEY,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

-- The order in which fetches from processors began, across all nodes, without a clock.
CREATE SEQUENCE fetch_sequence;

-- Whose a subscription is: what a processor names leads to the user, by whom `subscription` is found and distributed. Written once, with the
-- subscription's first row.
CREATE TABLE subscription_owner (
  processor text NOT NULL,
  subscription_id text NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (processor, subscription_id)
);

CREATE TABLE subscription (
  processor text NOT NULL,
  subscription_id text NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  customer_id text NOT NULL,
  status text NOT NULL,
  plan_id text,
  effective_at timestamptz(3) NOT NULL,
  cancel_at timestamptz(3),
  ended boolean NOT NULL DEFAULT false,
  as_of timestamptz(3) NOT NULL,
  object json NOT NULL,
  grace_ends_at timestamptz(3),
  fetch_sequence bigint,
  bucket smallint NOT NULL,
  PRIMARY KEY (processor, subscription_id, bucket)
);
CREATE INDEX subscription_user_id_idx ON subscription (user_id);

CREATE TABLE membership (
  user_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  status text NOT NULL,
  plan_id text,
  effective_at timestamptz(3) NOT NULL,
  cancel_at timestamptz(3),
  reason text NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  ends_at timestamptz(3),
  plan_revision bigint,
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, bucket)
);
CREATE INDEX membership_ends_at_idx ON membership (ends_at);
CREATE INDEX membership_plan_id_plan_revision_idx ON membership (plan_id, plan_revision);

CREATE TABLE membership_history (
  user_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  status text NOT NULL,
  plan_id text,
  effective_at timestamptz(3) NOT NULL,
  cancel_at timestamptz(3),
  reason text NOT NULL,
  processor text NOT NULL,
  webhook_id text,
  recorded_at timestamptz(3) NOT NULL,
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, version, bucket)
);

-- Promise 2, kept by the table itself: a version only grows.
CREATE FUNCTION membership_version_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version <= OLD.version THEN
    RAISE EXCEPTION 'the version of a membership only grows';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER membership_version_grows BEFORE UPDATE ON membership
  FOR EACH ROW EXECUTE FUNCTION membership_version_grows();

-- The history is append only. Erasing a person's lines (DELETE) stays possible.
CREATE FUNCTION membership_history_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history of memberships is append only';
END $$;
CREATE TRIGGER membership_history_stands BEFORE UPDATE ON membership_history
  FOR EACH ROW EXECUTE FUNCTION membership_history_stands();

-- A change that a user asked for. Pending until the processor answered; at most one a user. Its id begins with its user's bucket.
CREATE TABLE membership_change (
  id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  processor text NOT NULL,
  subscription_id text NOT NULL,
  action text NOT NULL CHECK (action IN ('cancel', 'resume', 'change_plan')),
  plan_id text,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'refused')),
  reason text,
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  next_attempt_at timestamptz(3) NOT NULL,
  settled_at timestamptz(3),
  bucket smallint NOT NULL,
  PRIMARY KEY (id, bucket)
);
CREATE UNIQUE INDEX membership_change_pending_key ON membership_change (user_id, bucket) WHERE status = 'pending';
CREATE INDEX membership_change_user_id_idx ON membership_change (user_id);
CREATE INDEX membership_change_status_next_attempt_at_idx ON membership_change (status, next_attempt_at);

-- How far the walk over a processor's subscriptions came, and how many it has compared.
CREATE TABLE reconciliation (
  processor text PRIMARY KEY,
  cursor text,
  compared bigint NOT NULL DEFAULT 0,
  next_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz(3),
  finished_at timestamptz(3)
);

-- Playback

CREATE TABLE playback_position (
  user_id text COLLATE "C" NOT NULL,
  profile_id text NOT NULL,
  show_id text NOT NULL,
  episode_id text,
  position_seconds double precision NOT NULL,
  duration_seconds double precision NOT NULL,
  state text NOT NULL,
  device_id text NOT NULL,
  device_name text,
  at timestamptz(3) NOT NULL,
  autoplay_episodes integer NOT NULL DEFAULT 0,
  asked_still_there boolean NOT NULL DEFAULT false,
  saved_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, profile_id, show_id, bucket)
) WITH (fillfactor = 90);

-- Recommendations

CREATE TABLE recommendation (
  user_id text COLLATE "C" NOT NULL,
  profile_id text NOT NULL,
  version jsonb NOT NULL,
  items json NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, profile_id, bucket)
) WITH (fillfactor = 80);

-- Streams and their slots, what edge nodes must learn, and the keys that sign leases

CREATE TABLE stream (
  stream_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  title_id text NOT NULL,
  edge_id text COLLATE "C" NOT NULL,
  device_registered boolean NOT NULL,
  started_at timestamptz(3) NOT NULL DEFAULT now(),
  slot_since timestamptz(3) NOT NULL DEFAULT now(),
  slot_until timestamptz(3) NOT NULL,
  lapsed boolean NOT NULL DEFAULT false,
  ended_at timestamptz(3),
  end_reason text CHECK (end_reason IN ('ended', 'membership', 'too_many_streams', 'operator', 'device_removed')),
  bucket smallint NOT NULL,
  PRIMARY KEY (stream_id, bucket),
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 70);
-- No index on what a renewal changes: it then stays on its page.
CREATE INDEX stream_user_id_idx ON stream (user_id);
CREATE INDEX stream_started_at_idx ON stream (started_at);

CREATE TABLE edge_notice (
  edge_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL,
  data json NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (edge_id, key)
);
CREATE INDEX edge_notice_created_at_idx ON edge_notice (created_at);

CREATE TABLE lease_key (
  kid text PRIMARY KEY,
  public_key json NOT NULL,
  private_key bytea NOT NULL,
  active_from timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
