-- What left the mailboxes, for the timeline: a superseded event without receipts was not to be found any more. Only appended, and removed
-- in the order of left_at.
CREATE TABLE past_event (
  user_id text COLLATE "C" NOT NULL,
  epoch text NOT NULL,
  "offset" bigint NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL,
  tier text NOT NULL,
  key text NOT NULL,
  target text,
  at timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  superseded_by uuid,
  left_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, epoch, "offset", bucket)
);
CREATE INDEX past_event_left_at_idx ON past_event (left_at);
