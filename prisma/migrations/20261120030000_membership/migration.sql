-- Memberships that end by our clock, plans whose changes reach their users, changes that users ask for, reconciliation.

-- Grows when the capabilities change; a membership remembers which revision its version told.
ALTER TABLE plan ADD COLUMN revision bigint NOT NULL DEFAULT 1;
-- The order in which the back office named them.
ALTER TABLE plan_price ADD COLUMN position integer NOT NULL DEFAULT 0;

ALTER TABLE subscription
  ADD COLUMN grace_ends_at timestamptz(3),
  ADD COLUMN fetch_turn bigint;
-- Which fetch from a processor began after which, across all nodes, without a clock.
CREATE SEQUENCE fetch_turn;

ALTER TABLE membership
  ADD COLUMN ends_at timestamptz(3),
  ADD COLUMN plan_revision bigint;
UPDATE membership SET ends_at = cancel_at WHERE status IN ('trialing', 'active', 'past_due', 'paused');
UPDATE membership SET plan_revision = 1 WHERE plan_id IS NOT NULL AND status IN ('trialing', 'active', 'past_due');
CREATE INDEX membership_ends_at_idx ON membership (ends_at);
CREATE INDEX membership_plan_id_plan_revision_idx ON membership (plan_id, plan_revision);

-- A change that a user asked for. Pending until the processor answered; at most one a user.
CREATE TABLE membership_change (
  id uuid PRIMARY KEY,
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
  settled_at timestamptz(3)
);
CREATE UNIQUE INDEX membership_change_pending_key ON membership_change (user_id) WHERE status = 'pending';
CREATE INDEX membership_change_user_id_idx ON membership_change (user_id);
CREATE INDEX membership_change_status_next_attempt_at_idx ON membership_change (status, next_attempt_at);

-- How far the walk over a processor's subscriptions came.
CREATE TABLE reconciliation (
  processor text PRIMARY KEY,
  cursor text,
  next_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz(3),
  finished_at timestamptz(3)
);

CREATE INDEX webhook_processor_received_at_idx ON webhook (processor, received_at);
CREATE INDEX webhook_settled_at_idx ON webhook (settled_at);

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
