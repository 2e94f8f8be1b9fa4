-- A text or mail for a user, and what became of it. The address is not in it: it is read when the message is sent. Queued rows are the queue.
CREATE TABLE message (
  id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  channel text NOT NULL CHECK (channel = ANY (ARRAY['email', 'sms'])),
  later_channels text[] NOT NULL DEFAULT '{}',
  tier text NOT NULL CHECK (tier = ANY (ARRAY['critical', 'important'])),
  category text NOT NULL,
  subject text,
  body text NOT NULL,
  html text,
  state text NOT NULL DEFAULT 'queued'
    CHECK (state = ANY (ARRAY['queued', 'sending', 'sent', 'delivered', 'failed', 'withdrawn'])),
  reason text,
  claims integer NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  provider text,
  route text,
  parts integer,
  provider_messages integer,
  price double precision,
  currency text,
  address_hash bytea,
  provider_ids text[] NOT NULL DEFAULT '{}',
  delivered_ids text[] NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  sent_at timestamptz(3),
  settled_at timestamptz(3),
  bucket smallint NOT NULL,
  PRIMARY KEY (id, bucket)
);
CREATE INDEX message_due_idx ON message (channel, tier, due_at) WHERE state IN ('queued', 'sending');
CREATE INDEX message_user_id_created_at_id_idx ON message (user_id, created_at, id);
CREATE INDEX message_created_at_idx ON message (created_at);
CREATE INDEX message_route_idx ON message (route, sent_at) WHERE route IS NOT NULL;

-- An address that wants no messages of a category (`*`: of none). It is known by its keyed hash only, and outlives its users.
CREATE TABLE message_opt_out (
  channel text NOT NULL CHECK (channel = ANY (ARRAY['email', 'sms'])),
  address_hash bytea NOT NULL,
  category text NOT NULL,
  source text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (channel, address_hash, category)
);

-- A text that came from a number: a row for each user who has the number, or one without a user ('').
CREATE TABLE inbound_text (
  provider text NOT NULL,
  provider_id text NOT NULL,
  user_id text COLLATE "C" NOT NULL DEFAULT '',
  keyword text,
  sender bytea NOT NULL,
  body bytea NOT NULL,
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, provider_id, user_id)
);
CREATE INDEX inbound_text_received_at_idx ON inbound_text (received_at, provider, provider_id, user_id);
CREATE INDEX inbound_text_user_id_idx ON inbound_text (user_id);
