-- What people did with what they were sent. Append only. A partition for each day, made ahead and dropped by a worker
-- (src/engagement/partitions). `day` is that of `at`; of a signed link the day on which it was made, so that it counts once however late.
CREATE SEQUENCE engagement_event_seq;
CREATE TABLE engagement_event (
  seq bigint NOT NULL DEFAULT nextval('engagement_event_seq'),
  day date NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  at timestamptz(3) NOT NULL,
  is_machine boolean NOT NULL DEFAULT false,
  team text COLLATE "C",
  campaign text COLLATE "C",
  template text COLLATE "C",
  channel text COLLATE "C",
  platform text COLLATE "C",
  country text COLLATE "C",
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, id, day, bucket)
) PARTITION BY RANGE (day);
CREATE INDEX engagement_event_seq_idx ON engagement_event (seq);

-- Until a worker makes them: those that an event of today, of a week ago or of a clock that is fast may need.
DO $$
BEGIN
  FOR n IN -8..3 LOOP
    EXECUTE format('CREATE TABLE engagement_event_%s PARTITION OF engagement_event FOR VALUES FROM (%L) TO (%L)',
      to_char((now() AT TIME ZONE 'UTC')::date + n, 'YYYYMMDD'), (now() AT TIME ZONE 'UTC')::date + n, (now() AT TIME ZONE 'UTC')::date + n + 1);
  END LOOP;
END
$$;

-- How often what was done, by the minute, hour and day. `*` as team or campaign: all of them; ''  : none. `dimension` and `value`: one of its
-- channels, platforms and so on; 'all' and '': every one. `version`: the sequence number up to which a row counts.
CREATE TABLE engagement_rollup (
  grain text COLLATE "C" NOT NULL CHECK (grain = ANY (ARRAY['minute', 'hour', 'day'])),
  team text COLLATE "C" NOT NULL,
  campaign text COLLATE "C" NOT NULL,
  dimension text COLLATE "C" NOT NULL,
  at timestamptz(3) NOT NULL,
  kind text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  people bigint NOT NULL,
  machines bigint NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (grain, team, campaign, dimension, at, kind, value)
) WITH (fillfactor = 80);
-- By these what is old is removed: rows of dimensions sooner than those of everything.
CREATE INDEX engagement_rollup_all_idx ON engagement_rollup (grain, at) WHERE dimension = 'all';
CREATE INDEX engagement_rollup_dimension_idx ON engagement_rollup (grain, at) WHERE dimension <> 'all';

-- How far the roll-ups are: all events up to `seq` are in them, which are all that were received up to `at`. And how far the workers are that
-- find deliveries in receipts and messages, by the time of these.
CREATE TABLE engagement_watermark (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  seq bigint NOT NULL DEFAULT 0,
  at timestamptz(3) NOT NULL DEFAULT now()
);
INSERT INTO engagement_watermark (name) VALUES ('rollups');
