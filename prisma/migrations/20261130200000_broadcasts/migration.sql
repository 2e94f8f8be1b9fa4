-- Events for everyone: one row each, whoever connects. `number` is given out in commit order by the one row of broadcast_counter. `sample`: one
-- user in so many is counted.
CREATE TABLE broadcast (
  number bigint NOT NULL PRIMARY KEY,
  id uuid NOT NULL,
  type text NOT NULL,
  key text COLLATE "C",
  data json NOT NULL,
  sample integer NOT NULL,
  key_id text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  superseded_by bigint,
  withdrawn_at timestamptz(3)
);
CREATE INDEX broadcast_id_idx ON broadcast (id);
CREATE INDEX broadcast_expires_at_idx ON broadcast (expires_at);
CREATE INDEX broadcast_in_force_idx ON broadcast (expires_at) WHERE withdrawn_at IS NULL AND superseded_by IS NULL;

-- The number of the last broadcast or withdrawal: nodes read the log again when it is another one.
CREATE TABLE broadcast_counter (
  id integer NOT NULL DEFAULT 1 PRIMARY KEY CHECK (id = 1),
  last bigint NOT NULL
);
INSERT INTO broadcast_counter (last) VALUES (0);

-- How many devices of the sampled users were sent a broadcast, and acknowledged it.
CREATE TABLE broadcast_tally (
  number bigint NOT NULL,
  shard smallint NOT NULL,
  sent bigint NOT NULL,
  received bigint NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (number, shard)
);
CREATE INDEX broadcast_tally_updated_at_idx ON broadcast_tally (updated_at);
