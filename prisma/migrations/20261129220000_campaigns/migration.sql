-- Whom campaigns are for: users whom a rule fits or, without a rule, those of a list. One that is removed goes when its members have.
CREATE TABLE audience (
  name text COLLATE "C" PRIMARY KEY,
  rule json,
  members bigint NOT NULL DEFAULT 0,
  is_removed boolean NOT NULL DEFAULT false,
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE audience_member (
  audience text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  data json,
  bucket smallint NOT NULL,
  PRIMARY KEY (audience, user_id, bucket)
);
CREATE INDEX audience_member_user_id_idx ON audience_member (user_id);

-- What is told to whom, when and how, and how far it is.
CREATE TABLE campaign (
  name text COLLATE "C" PRIMARY KEY,
  body json NOT NULL,
  state text NOT NULL
    CHECK (state = ANY (ARRAY['draft', 'approved', 'scheduled', 'running', 'paused', 'done', 'aborted'])),
  author json NOT NULL,
  approver json,
  starts_at timestamptz(3),
  expires_at timestamptz(3),
  problem text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz(3),
  frozen_at timestamptz(3),
  ended_at timestamptz(3)
);
CREATE INDEX campaign_state_starts_at_idx ON campaign (state, starts_at);
CREATE INDEX campaign_created_at_name_idx ON campaign (created_at, name);

-- How far the members of each audience have been found. `selection`: the audience and what is left out of it, as they were when the campaign began.
CREATE TABLE campaign_walk (
  campaign text COLLATE "C" NOT NULL,
  position smallint NOT NULL,
  selection json NOT NULL,
  walked_to text COLLATE "C" NOT NULL DEFAULT '',
  is_done boolean NOT NULL DEFAULT false,
  PRIMARY KEY (campaign, position)
);

-- A person whom a campaign is for: one row is one state machine. Pending rows are the queue.
CREATE TABLE campaign_member (
  campaign text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  state text NOT NULL CHECK (state = ANY (ARRAY['pending', 'queued', 'skipped'])),
  reason text,
  audience text NOT NULL,
  address_hash bytea,
  data json,
  due_at timestamptz(3) NOT NULL,
  channel text,
  event_id uuid,
  frozen_at timestamptz(3) NOT NULL DEFAULT now(),
  settled_at timestamptz(3),
  bucket smallint NOT NULL,
  PRIMARY KEY (campaign, user_id, bucket)
);
CREATE INDEX campaign_member_due_idx ON campaign_member (campaign, due_at, user_id) WHERE state = 'pending';
CREATE INDEX campaign_member_user_id_idx ON campaign_member (user_id);
CREATE INDEX campaign_member_frozen_at_idx ON campaign_member (frozen_at);

-- A directory: each mail address, by the keyed hash of its normal form, counts once in a campaign, whoever has it.
CREATE TABLE campaign_address (
  campaign text COLLATE "C" NOT NULL,
  address_hash bytea NOT NULL,
  claimed_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (campaign, address_hash)
);
CREATE INDEX campaign_address_claimed_at_idx ON campaign_address (claimed_at);

-- How many members became what, in the transaction in which they did. Sharded: two slices seldom wait for the same row.
CREATE TABLE campaign_tally (
  campaign text COLLATE "C" NOT NULL,
  what text COLLATE "C" NOT NULL,
  detail text COLLATE "C" NOT NULL,
  shard smallint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (campaign, what, detail, shard)
);

-- Which campaign a text, mail or push is of.
ALTER TABLE message ADD COLUMN campaign_id text;
ALTER TABLE push ADD COLUMN campaign_id text;
