-- The spine: mailbox, devices, membership, playback, recommendations, keys. See prisma/schema.prisma for what each table is for.

-- An instant as the contract writes it: 2026-11-20T07:40:00.000Z.
CREATE FUNCTION iso(instant timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE TABLE installation (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  name text NOT NULL,
  epoch text NOT NULL
);
INSERT INTO installation (name, epoch)
SELECT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12), substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);

CREATE TABLE mailbox (
  user_id text COLLATE "C" PRIMARY KEY,
  epoch text NOT NULL,
  last_offset bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE mailbox_entry (
  user_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  "offset" bigint NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('critical', 'important')),
  profile_id text,
  target text,
  data json NOT NULL,
  at timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  PRIMARY KEY (user_id, key)
) WITH (fillfactor = 80);
CREATE INDEX mailbox_entry_user_id_offset_idx ON mailbox_entry (user_id, "offset");
CREATE INDEX mailbox_entry_expires_at_idx ON mailbox_entry (expires_at);

-- An entry as src/mailbox/event.ts reads it (StoredEntry); the epoch is the mailbox's.
CREATE FUNCTION entry_json(e mailbox_entry) RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
  RETURN json_build_object('id', e.id, 'type', e.type, 'tier', e.tier, 'key', e.key, 'offset', e."offset", 'at', iso(e.at),
    'expiresAt', iso(e.expires_at), 'profileId', e.profile_id, 'target', e.target, 'data', e.data);

CREATE TABLE handoff (
  id uuid PRIMARY KEY,
  tier text NOT NULL,
  positions json NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX handoff_created_at_idx ON handoff (created_at);

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
  PRIMARY KEY (user_id, device_id, epoch, "offset")
);
CREATE INDEX receipt_user_id_event_id_idx ON receipt (user_id, event_id);

CREATE TABLE device (
  device_id text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  platform text NOT NULL,
  name text,
  app_version text,
  timezone text,
  locale text,
  push jsonb,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  last_seen_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX device_user_id_idx ON device (user_id);

CREATE TABLE plan (
  plan_id text PRIMARY KEY,
  name text NOT NULL,
  capabilities jsonb NOT NULL,
  updated_at timestamptz(3) NOT NULL
);

CREATE TABLE plan_price (
  price_id text PRIMARY KEY,
  plan_id text NOT NULL,
  CONSTRAINT plan_price_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES plan (plan_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX plan_price_plan_id_idx ON plan_price (plan_id);

CREATE TABLE processor_link (
  processor text NOT NULL,
  customer_id text NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (processor, customer_id)
);
CREATE UNIQUE INDEX processor_link_user_id_processor_key ON processor_link (user_id, processor);

CREATE TABLE webhook (
  processor text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  status text NOT NULL CHECK (status IN ('stored', 'applied', 'stale', 'ignored', 'waiting', 'failed')),
  reason text,
  waiting_for text[] NOT NULL DEFAULT '{}',
  user_id text,
  attempts integer NOT NULL DEFAULT 0,
  payload json NOT NULL,
  created_at timestamptz(3) NOT NULL,
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  settled_at timestamptz(3),
  PRIMARY KEY (processor, event_id)
);
CREATE INDEX webhook_status_received_at_idx ON webhook (status, received_at);
CREATE INDEX webhook_waiting_for_idx ON webhook USING gin (waiting_for);

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
  PRIMARY KEY (processor, subscription_id)
);
CREATE INDEX subscription_user_id_idx ON subscription (user_id);

CREATE TABLE membership (
  user_id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  status text NOT NULL,
  plan_id text,
  effective_at timestamptz(3) NOT NULL,
  cancel_at timestamptz(3),
  reason text NOT NULL,
  updated_at timestamptz(3) NOT NULL
);

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
  PRIMARY KEY (user_id, version)
);

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
  PRIMARY KEY (user_id, profile_id, show_id)
) WITH (fillfactor = 70);

CREATE TABLE recommendation (
  user_id text COLLATE "C" NOT NULL,
  profile_id text NOT NULL,
  version jsonb NOT NULL,
  items json NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (user_id, profile_id)
) WITH (fillfactor = 80);

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
