-- Streams and their slots, what edge nodes must learn, and the keys that sign leases. See prisma/schema.prisma for what each table is for.

CREATE TABLE stream (
  stream_id text COLLATE "C" PRIMARY KEY,
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
